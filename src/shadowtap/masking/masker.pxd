cimport cython

from shadowtap.events.messages cimport Exchange, Request, Response
from shadowtap.events.outcomes cimport Observation, Outcome
from shadowtap.masking.headers cimport Headers
from shadowtap.masking.heads cimport Heads
from shadowtap.masking.messages cimport Messages
from shadowtap.masking.texts cimport Texts

cdef class Masker:
    cdef public object counts
    cdef public object _bodies, _verdicts
    cdef public Headers _headers
    cdef public Heads _heads
    cdef public Messages _messages
    cdef public Texts _texts

    cpdef bytes header(self, bytes name, bytes value)
    cpdef bytes target(self, bytes url)
    @cython.locals(malformed=bint, head=bytes, body=bytes, kinds=tuple)
    cpdef Request request(self, Request request)
    @cython.locals(head=bytes, body=bytes, kinds=tuple)
    cpdef Response response(self, Response response)
    @cython.locals(request=Request, response=Response)
    cpdef Exchange exchange(self, Exchange exchange)
    @cython.locals(unmasked=Exchange, exchange=Exchange)
    cpdef Observation observation(self, Observation observation)
    cdef Outcome _as_in(self, Exchange exchange, Exchange unmasked, Outcome outcome)
    @cython.locals(framed=bint, head=bytes, body=bytes, kinds=tuple)
    cdef Outcome _outcome(self, Outcome outcome, Request request)
    cdef _count(self, tuple kinds)
