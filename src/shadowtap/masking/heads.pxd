cimport cython

from shadowtap.masking.headers cimport Headers
from shadowtap.masking.spans cimport masked_with
from shadowtap.masking.texts cimport Texts

cdef class Heads:
    cdef public object _blocks
    cdef public dict _lines, _targets, _words
    cdef public Headers _headers
    cdef public Texts _texts
    @cython.locals(known=tuple)
    cpdef tuple target(self, bytes url)
    cpdef tuple text(self, bytes text)
    cpdef tuple fields(self, bytes lines)
    @cython.locals(known=dict, parts=list, line=bytes, found=tuple)
    cdef tuple _fields(self, bytes lines)
