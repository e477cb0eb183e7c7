cimport cython

from shadowtap.masking.names cimport Names
from shadowtap.masking.values cimport Values

cdef class Texts:
    cdef public object _fields, _gate, _shapes
    cdef public Names _names
    cdef public Values _values
    @cython.locals(named=list, shaped=list, occurring=list)
    cpdef list find(self, bytes text, kind, int depth=*)
