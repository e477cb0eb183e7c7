cimport cython

from shadowtap.events.flows cimport Chunk, chunk_of
from shadowtap.flows.stream cimport Piece, Stream
from shadowtap.serial cimport distance

@cython.final
cdef class _Connection:
    cdef public bint dead, watched
    cdef public list first
    cdef public bytes key
    cdef public long long last_ns, number, opened_ns, reset_ns
    cdef public tuple streams

@cython.final
cdef class Flows:
    cdef public object counters
    cdef public dict _table, _watched
    cdef public object _tombs, _round
    cdef public list _events
    cdef long long _window_ns, _idle_ns, _limit, _limit_bytes, _numbers

    @cython.locals(
        events=list, table=dict, octets="long long", key=bytes, direction=int, seq="long long", ack="long long",
        flags=int, data=bytes, missing="long long", time_ns="long long", end="long long", connection=_Connection,
        stream=Stream, peer=Stream,
    )
    cpdef list feed(self, segments)
    @cython.locals(stream=Stream, peer=Stream)
    cdef _carefully(self, _Connection connection, bytes key, int direction, int flags, Piece piece)
    cdef _Connection _connection_for(self, _Connection connection, bytes key, int direction, int flags, Piece piece)
    @cython.locals(stream=Stream, start="long long")
    cdef bint _is_new_syn(self, _Connection connection, int direction, long long seq) except -1
    @cython.locals(stream=Stream, peer=Stream)
    cdef bint _is_elsewhere(self, _Connection connection, int direction, Piece piece) except -1
    cdef _Connection _open(self, bytes key, int direction, int flags, Piece piece)
    @cython.locals(stream=Stream)
    cdef _start(self, _Connection connection, int direction, long long seq)
    @cython.locals(stream=Stream, ahead="long long", trimmed=Piece)
    cdef _take(self, _Connection connection, int direction, Piece piece)
    @cython.locals(stream=Stream, number="long long", time_ns="long long")
    cdef _deliver(self, _Connection connection, int direction, Piece piece)
    @cython.locals(stream=Stream, length="long long")
    cdef _skip(self, _Connection connection, int direction, long long to, long long time_ns, bint cut)
    @cython.locals(stream=Stream, piece=Piece, trimmed=Piece, ahead="long long")
    cdef _drain(self, _Connection connection, int direction)
    @cython.locals(stream=Stream)
    cdef _take_fin(self, _Connection connection, int direction, Piece piece)
    cdef _take_reset(self, _Connection connection, Stream stream, Piece piece)
    @cython.locals(stream=Stream, beyond="long long")
    cdef _note_ack(self, _Connection connection, int direction, long long ack, int flags, long long time_ns)
    cdef _watch(self, _Connection connection, Stream stream, long long time_ns)
    cdef _give_up_one(self, _Connection connection, int direction, long long now_ns)
    @cython.locals(stream=Stream, peer=Stream)
    cdef _end(self, _Connection connection, int direction, how, long long time_ns)
    @cython.locals(stream=Stream)
    cdef _close(self, _Connection connection, how, long long time_ns)
    cdef _bury(self, _Connection connection, how, long long time_ns)
