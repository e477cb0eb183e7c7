cimport cython

cdef class Latency:
    cdef public object _counts
    cdef public list _noted
    cdef public object _sum_ns, _max_ns
    cpdef record(self, long long ns)

cdef class Answers:
    cdef public object statuses
    cdef public Latency latency
    cpdef record(self, int status, latency_ns)

cdef class TargetAccount:
    cdef public Answers answers
    cdef public object failed, name, refused, sessions, state
    cdef public long long answered, bytes_sent, connections, connections_opened, in_flight, offered, overflowed
    cdef public long long replayed, retries
