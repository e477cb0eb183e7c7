cimport cython

from shadowtap.events.messages cimport Exchange, Request
from shadowtap.events.outcomes cimport Outcome
from shadowtap.replay.target cimport Target
from shadowtap.runner.observe cimport Joiner
from shadowtap.transform.duplicates cimport Duplicates

cdef class Shape:
    cdef public object _account, _chain, _clock, _legs, _middleware, _sessions, _show, _targets
    cdef public long long _added
    cdef public Duplicates _duplicates
    cdef public Joiner _joiner
    cdef public bint wants_answers

    @cython.locals(copies=Duplicates)
    cpdef bint saw(self, Request request) except -1
    cpdef request(self, Request request)
    cpdef exchange(self, Exchange exchange)
    cdef _enter(self, Request request)
    cdef _go(self, Request request)
    @cython.locals(taken=int, target=Target)
    cdef _send(self, Request request)
    cpdef outcome(self, Outcome outcome)
