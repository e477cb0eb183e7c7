cimport cython

from shadowtap.events.messages cimport Exchange, Request, Response
from shadowtap.events.outcomes cimport Observation, Outcome

@cython.final
@cython.no_gc
cdef class _Open:
    cdef public Request request
    cdef public double due
    cdef public long long size
    cdef public str fate
    cdef public long long awaited
    cdef public Exchange exchange
    cdef public tuple outcomes

cdef class Joiner:
    cdef public object counters, _emit, _sample
    cdef public dict _left, _open
    cdef public long long _bytes, _limit, _limit_bytes
    cdef public double _due, _wait_s

    @cython.locals(size="long long", opened=dict)
    cpdef began(self, Request request)
    @cython.locals(entry=_Open)
    cpdef fated(self, Request request, str fate, long long awaited)
    @cython.locals(request=Request, response=Response, entry=_Open, size="long long")
    cpdef exchanged(self, Exchange exchange)
    @cython.locals(request=Request, entry=_Open, outcomes=tuple, size="long long")
    cpdef outcome(self, Outcome outcome)
    @cython.locals(request=Request, exchange=Exchange)
    cdef _settle(self, _Open entry)
