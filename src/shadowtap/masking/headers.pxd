cimport cython

from shadowtap.masking.names cimport Names
from shadowtap.masking.spans cimport masked_with
from shadowtap.masking.texts cimport Texts
from shadowtap.masking.values cimport Values

cdef class Headers:
    cdef public dict _known
    cdef public Names _names
    cdef public Texts _texts
    cdef public Values _values
    cpdef tuple masked(self, bytes name, bytes value)
    cdef _means(self, bytes name)
    cdef tuple _cookies(self, list pairs)
    @cython.locals(name=bytes, equals=bytes, value=bytes, lead=bytes)
    cdef tuple _cookie(self, bytes pair)
