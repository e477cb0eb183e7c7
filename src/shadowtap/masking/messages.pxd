cimport cython

from shadowtap.masking.heads cimport Heads

cdef class Messages:
    cdef public object _bodies
    cdef public Heads _heads
    cdef public object _known
    cdef public long long _limit_bytes
    cdef tuple _coded(self, bytes head, bytes shown, bytes body, bint chunked, tuple kinds)
    cdef tuple _head(self, bytes head, bytes target, bint malformed)
