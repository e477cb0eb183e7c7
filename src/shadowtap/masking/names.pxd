cimport cython

cdef class Names:
    cdef public object _fields, _keep, pattern
    cdef public bint _has_exceptions
    cdef public tuple _known
    @cython.locals(answers=dict)
    cpdef bint is_secret(self, place, bytes name) except -1
    cpdef bint is_kept(self, bytes name) except -1
