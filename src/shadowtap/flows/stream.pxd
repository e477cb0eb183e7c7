cdef class Stream:
    cdef public long long acked, fin, hole_at, hole_ns, isn, next, pending_bytes
    cdef public bint closed, plain
    cdef public list pending
