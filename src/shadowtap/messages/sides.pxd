from shadowtap.events.flows cimport Chunk
from shadowtap.events.messages cimport Connection
from shadowtap.messages.pairing cimport Pairing

cdef class Sides:
    cdef public list readers
    cdef public Connection connection
    cdef public bint connected, lost
    cdef public object _counters, _flow, _limits
    cdef public bint _keep
    cdef public Pairing _pairing
    cdef public list _plains, _unread
