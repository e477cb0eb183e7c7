cimport cython

from shadowtap.http1.plain cimport Plain

cdef class Reader:
    cdef public object role, state
    cdef public bint is_request, seen
    cdef public Plain plain
    cdef public long long held, skipped
    cdef public long long _ack, _begin, _body_bytes, _end_ns, _left, _plain_bytes, _time_ns, _checked
    cdef public object _match, _limits, _method_of_next, _scanner, _fault
    cdef public object _buffer
    cdef public bytes _head
    cdef public list _parts
    cdef public tuple _first, _flags, _start_line
    cdef public bint _doubtful, _joined, _keep

    @cython.locals(size="long long")
    cpdef long long more(self, bytes data)
    @cython.locals(size=Py_ssize_t, before=Py_ssize_t, pos=Py_ssize_t, step=Py_ssize_t)
    cpdef Py_ssize_t read(self, bytes data, Py_ssize_t left, long long time_ns, long long end, long long ack, list found)
    cdef Py_ssize_t _take_head(self, bytes data, Py_ssize_t pos, list found)
    cdef void _begin_body(self, tuple first, bytes head, list found) except *
    cdef void _emit(self, list found, bytes body, bint chunked) except *
    cdef void _forget(self) except *
    cdef void _finish(self, list found) except *
    cdef void _keep_body_part(self, bytes part) except *
