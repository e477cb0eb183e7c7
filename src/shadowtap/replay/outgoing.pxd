cimport cython

from shadowtap.events.messages cimport Connection, Request

cdef class Outgoing:
    cdef public bytes _authority, _fields, _ready
    @cython.locals(head=bytes, fields=bytes, octets=bytes, line=Py_ssize_t)
    cpdef bytes octets(self, Request request)
