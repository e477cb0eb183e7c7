cimport cython

cdef class Links:
    cdef public object pass_over, _endpoint, _epoll, _loop
    cdef public dict _open
    cdef public tuple _place
    @cython.locals(link=Link)
    cpdef _look(self)
    cpdef tuple place(self, endpoint)
    cpdef add(self, int number, Link link)
    cpdef watch(self, int number, int events)
    cpdef remove(self, int number)

cdef class Link:
    cdef public Links _links
    cdef public object _ended, _endpoints, _protocol, _sock, _unsent
    cdef public int _tried
    cpdef ready(self, int events)
    cpdef receive(self)
    cpdef write(self, data)
    cpdef close(self)
    cdef _let_go(self)
    cdef _connected(self, int events)
    cdef _begin(self, endpoint)
