cimport cython

from shadowtap.events.flows cimport Chunk
from shadowtap.messages.conversation cimport Conversation

cdef class Messages:
    cdef public object counters
    cdef public object _limits
    cdef public bint _keep
    cdef public dict _conversations
    cdef public list _plains

    @cython.locals(conversation=Conversation, out=list, conversations=dict, chunk=Chunk)
    cpdef list feed(self, list events)
