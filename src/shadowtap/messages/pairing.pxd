cimport cython

from shadowtap.events.messages cimport Exchange, Request, Response, whole_exchange
from shadowtap.serial cimport distance

cdef class Pairing:
    cdef public bint careful
    cdef public object reader
    cdef public object waiting
    cdef public object _counters, _late
    cdef public bint _answering, _first, _fresh, _joined, _sliding, _sure, _torn
    cdef public tuple _heard
    cdef public list _early
    cdef public long long _hole, _waiting_bytes

    cpdef asked(self, Request request, long long begin, long long ack, list out)
    cpdef bint begins(self, long long begin)
    @cython.locals(request=Request)
    cpdef answered(self, Response response, long long begin, long long end, long long ack, list out)
