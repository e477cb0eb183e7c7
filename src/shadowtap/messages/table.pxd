cimport cython

from shadowtap.messages.conversation cimport Conversation

cdef class Messages:
    cdef public object counters
    cdef public object _limits
    cdef public bint _keep
    cdef public dict _conversations

    @cython.locals(conversation=Conversation, out=list, conversations=dict)
    cpdef list feed(self, list events)
