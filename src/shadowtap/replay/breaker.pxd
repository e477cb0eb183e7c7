cdef class Breaker:
    cdef public bint open, trying
    cdef public int failures
    cdef public double _pause_s, _until
