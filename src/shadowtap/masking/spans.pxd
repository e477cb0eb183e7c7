cimport cython

cpdef tuple masked_with(bytes text, list spans)
