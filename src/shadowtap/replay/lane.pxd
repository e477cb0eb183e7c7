cimport cython

from shadowtap.events.messages cimport Request
from shadowtap.ledger cimport TargetAccount
from shadowtap.replay.outgoing cimport Outgoing
from shadowtap.replay.target cimport Target
from shadowtap.replay.wire cimport Wire

cdef class Lane:
    cdef public object _connecting, queue
    cdef public Request current
    cdef public bint ended
    cdef public Outgoing _outgoing
    cdef public Target _target
    cdef public long long first_ns, key, sent_ns
    cdef public Wire wire
    cpdef push(self, Request request)
    @cython.locals(wire=Wire, account=TargetAccount, octets=bytes)
    cpdef send(self, Request request)
    cpdef connect(self)
    @cython.locals(request=Request)
    cpdef answered(self, int status, bytes head, bytes body, bint keep)
    cpdef end(self)
    cdef _next(self)
