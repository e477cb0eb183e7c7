cimport cython

from shadowtap.events.messages cimport Connection, Request

cdef class _OneNetwork:
    cdef public object ended, recent, vni
    cdef public dict open
    @cython.locals(connection=Connection, number="long long")
    cpdef note(self, Request request)
    cpdef end(self, number)

@cython.final
cdef class Duplicates:
    cdef public bint shared, _several
    cdef public long long cut_short, found, recovered, _begun_ns, _limit, _now_ns, _window_ns
    cdef public dict _by_ends, _of, _old, _young
    cdef public object _ended
    cdef public _OneNetwork _one
    @cython.locals(one=_OneNetwork)
    cdef bint _is_alone(self, Request request) except -1
    cpdef bint is_duplicate(self, Request request) except -1
