cimport cython

cdef class Values:
    cdef public object _gate, _shapes, _stand_ins
    cdef public dict _known
    cpdef tuple of(self, bytes written, str kind)
