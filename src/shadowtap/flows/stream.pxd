cimport cython

from shadowtap.events.value cimport Value
from shadowtap.serial cimport distance

@cython.final
@cython.no_gc
cdef class Piece(Value):
    cdef readonly long long ack, missing, seq, time_ns
    cdef readonly bytes data
    cpdef Py_ssize_t end(self) except -1
    cpdef Piece behind(self, Py_ssize_t cut)

@cython.final
cdef class Stream:
    cdef public long long acked, fin, hole_at, hole_ns, isn, next, pending_bytes
    cdef public bint closed, plain
    cdef public object pending
    cpdef start(self, long long seq)
    cpdef Piece trimmed(self, Piece piece, long long ahead)
    cpdef Py_ssize_t wait(self, Piece piece) except -1
    cpdef Piece pop_in_order(self)
    cpdef Py_ssize_t forget(self) except -1
    @cython.locals(first=Piece)
    cpdef Py_ssize_t hole_end(self) except -2
    cpdef bint acked_past(self, long long position) except -1
