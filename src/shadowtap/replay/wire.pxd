cimport cython

from shadowtap.events.messages cimport Request
from shadowtap.http1.plain cimport Plain
from shadowtap.http1.reader cimport Reader
from shadowtap.replay.lane cimport Lane

cdef class Wire:
    cdef public bint _keep_body, heard, used
    cdef public Lane _lane
    cdef public Plain _plain
    cdef public Reader _reader
    cdef public long long _plain_bytes
    cdef public object _limits, _transport, broken, write
    @cython.locals(lane=Lane, request=Request, reader=Reader, plain=tuple, head=bytes, status=int, length=Py_ssize_t, body=bytes)
    cpdef data_received(self, bytes data)
    cpdef connection_made(self, transport)

cpdef bint keeps_alive(bytes head) except -1
