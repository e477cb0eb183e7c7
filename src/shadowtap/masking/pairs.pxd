cimport cython

from shadowtap.masking.names cimport Names

cpdef list named_in_pairs(bytes text, pairs, Names names)
@cython.locals(path=bytes, query=bytes, pair=bytes, name=bytes, equals=bytes, value=bytes)
cdef bint _is_harmless(bytes text, Names names) except -1
