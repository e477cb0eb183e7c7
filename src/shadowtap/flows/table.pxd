cimport cython

from shadowtap.events.flows cimport Chunk, chunk_of
from shadowtap.flows.stream cimport Stream
from shadowtap.serial cimport distance

cdef class _Connection:
    cdef public bint dead, watched
    cdef public list first
    cdef public bytes key
    cdef public long long last_ns, number, opened_ns, reset_ns
    cdef public tuple streams

cdef class Flows:
    cdef public object counters
    cdef public dict _table, _watched
    cdef public object _tombs, _round
    cdef public list _events
    cdef public long long _window_ns, _idle_ns, _limit, _limit_bytes, _numbers

    @cython.locals(
        events=list, table=dict, octets="long long", key=bytes, direction=int, seq="long long", ack="long long",
        flags=int, data=bytes, missing="long long", time_ns="long long", end="long long", connection=_Connection,
        stream=Stream, peer=Stream, reached="long long",
    )
    cpdef list feed(self, segments)
