cimport cython

from shadowtap.events.value cimport Value

@cython.final
@cython.no_gc
cdef class Connection(Value):
    cdef readonly object client, server, vni
    cdef readonly long long lane, number

    cpdef long long lane_number(self)

@cython.final
@cython.no_gc
cdef class Request(Value):
    cdef readonly Connection connection
    cdef readonly long long begin, end_ns, index, time_ns
    cdef readonly bytes body, head, method, target, version
    cdef readonly bint chunked
    cdef readonly tuple flags
    cdef readonly object fault

@cython.locals(made=Request)
cpdef Request whole_request(
    Connection connection, long long index, long long time_ns, bytes method, bytes target, bytes version, bytes head,
    bytes body, long long begin,
)

@cython.final
@cython.no_gc
cdef class Response(Value):
    cdef readonly Connection connection
    cdef readonly long long body_bytes, end_ns, time_ns
    cdef readonly int status
    cdef readonly bytes body, head, reason, version
    cdef readonly bint chunked
    cdef readonly tuple flags
    cdef readonly object fault

@cython.locals(made=Response)
cpdef Response whole_response(
    Connection connection, long long time_ns, int status, bytes reason, bytes version, bytes head, bytes body,
    long long body_bytes,
)

@cython.final
@cython.no_gc
cdef class Exchange(Value):
    cdef readonly Request request
    cdef readonly Response response
    cdef readonly bint lost_request

@cython.locals(made=Exchange)
cpdef Exchange whole_exchange(Request request, Response response)
