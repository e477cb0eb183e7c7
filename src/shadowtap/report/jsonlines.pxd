cimport cython

from shadowtap.events.messages cimport Connection, Exchange, Request, Response

cdef class JsonLines:
    cdef public object _masker
    cdef public long long lines
    cdef public dict _addresses, _blocks, _waiting
    cdef public object _fields, _flags, _names, _seconds, _targets, _texts, _versions

    @cython.locals(exchange=Exchange)
    cpdef bytes line(self, message)
    @cython.locals(waiting=dict, second="long long", nanosecond="long long", block=bytes, host=bytes)
    cdef bytes _request(self, Request request)
    @cython.locals(key=tuple, final=bint, second="long long", nanosecond="long long")
    cdef bytes _response(self, Request request, Response response)
    @cython.locals(known=tuple)
    cdef tuple _addressed(self, Connection connection)
    @cython.locals(block=bytes, known=tuple)
    cdef tuple _head(self, bytes head, bint has_host)
    @cython.locals(lines=list, ends=Py_ssize_t, plain=bint)
    cdef bytes _block(self, bytes head, bytes block)
    @cython.locals(body=bytes, flags=tuple, digest=bytes, length=bytes)
    cdef bytes _body(self, message, Py_ssize_t on_wire)
