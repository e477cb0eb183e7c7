cimport cython

from shadowtap.events.value cimport Value

@cython.final
@cython.no_gc
cdef class Chunk(Value):
    cdef readonly bytes data
    cdef readonly int direction
    cdef readonly long long ack, end, flow, time_ns

@cython.locals(made=Chunk)
cpdef Chunk chunk_of(long long flow, int direction, bytes data, long long time_ns, long long end, long long ack)
