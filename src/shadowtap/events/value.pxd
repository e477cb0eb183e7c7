cimport cython

@cython.no_gc
cdef class Value:
    pass
