cimport cython

from shadowtap.events.messages cimport Exchange, Request
from shadowtap.events.value cimport Value

@cython.final
@cython.no_gc
cdef class Outcome(Value):
    cdef readonly str target
    cdef readonly Request request
    cdef readonly long long elapsed_ns, first_byte_ns, sent_ns
    cdef readonly int status
    cdef readonly bytes body, head
    cdef readonly object failure
    cdef readonly tuple substitutions

@cython.final
@cython.no_gc
cdef class Observation(Value):
    cdef readonly Exchange exchange
    cdef readonly str fate
    cdef readonly tuple outcomes, verdicts
