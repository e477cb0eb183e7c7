cimport cython

from shadowtap.events.flows cimport Chunk
from shadowtap.events.messages cimport Connection, Request, Response, whole_request, whole_response
from shadowtap.http1.plain cimport Plain
from shadowtap.http1.reader cimport Reader
from shadowtap.messages.pairing cimport Pairing
from shadowtap.messages.sides cimport Sides
from shadowtap.serial cimport distance

cdef class Conversation:
    cdef public int open
    cdef public bint _client_done, _initiated, _keep, _told_end
    cdef public long long _client_at, _held_bytes, _index, _plain_bytes
    cdef public object _counters, _held
    cdef public Connection _connection
    cdef public Pairing _pairing
    cdef public list _readers
    cdef public Sides _sides

    @cython.locals(reader=Reader, taken=bint)
    cpdef take_chunk(self, Chunk chunk, list out)
    @cython.locals(
        data=bytes, plain=tuple, method=bytes, target=bytes, version=bytes, head=bytes, body=bytes, now="long long",
        end="long long", index="long long", begin="long long", whom=Connection, request=Request,
    )
    cdef bint _take_request(self, Reader reader, Chunk chunk, list out) except -1
    @cython.locals(
        data=bytes, ack="long long", pairing=Pairing, plain=tuple, version=bytes, reason=bytes, status=int, head=bytes,
        size="long long", now="long long", end="long long", body=bytes, whom=Connection, response=Response,
    )
    cdef bint _take_answer(self, Reader reader, Chunk chunk, list out) except -1
    cdef bint _take_more(self, Reader reader, Chunk chunk) except -1
    @cython.locals(reader=Reader)
    cdef _take_carefully(self, Reader reader, Chunk chunk, list out)
    cdef bint _is_ahead(self, long long ack) except -1
