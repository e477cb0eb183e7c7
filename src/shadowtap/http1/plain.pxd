cimport cython

cdef class Plain:
    cdef public bytes _end, _version, _answer_head
    cdef public tuple _answer
    cdef public Py_ssize_t _answer_bytes

    @cython.locals(another=Plain)
    cpdef Plain another(self)
    @cython.locals(method=bytes, target=bytes, rest=bytes, end=bytes, found=tuple)
    cpdef tuple request(self, bytes data)
    @cython.locals(end=Py_ssize_t, head=bytes, found=tuple)
    cpdef tuple answer(self, bytes data)

cdef tuple _request(bytes data)
@cython.locals(end=Py_ssize_t)
cdef tuple _answer(bytes head)
