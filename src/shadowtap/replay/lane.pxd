cimport cython

from shadowtap.ledger cimport TargetAccount
from shadowtap.replay.outgoing cimport Outgoing
from shadowtap.replay.target cimport Target
from shadowtap.replay.wire cimport Wire

cdef class Lane:
    cdef public object _connecting, current, queue
    cdef public bint ended
    cdef public Outgoing _outgoing
    cdef public Target _target
    cdef public long long first_ns, key, sent_ns
    cdef public Wire wire
    cpdef push(self, request)
    @cython.locals(wire=Wire, account=TargetAccount, octets=bytes)
    cpdef send(self, request)
    cpdef connect(self)
    cpdef answered(self, int status, bytes head, bytes body, bint keep)
    cpdef end(self)
    cdef _next(self)
