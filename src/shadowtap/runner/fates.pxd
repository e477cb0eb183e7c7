cimport cython

from shadowtap.events.messages cimport Connection, Exchange, Request, Response
from shadowtap.ledger cimport Answers
from shadowtap.replay.target cimport Target
from shadowtap.transform.duplicates cimport Duplicates

cdef class Fates:
    cdef public object _break_off, _guard, _ledger, _settings, _shape, _tell
    cdef public list _targets
    cdef public Duplicates _copies
    cdef public bint _all_refused

    cpdef decide(self, list messages)
    @cython.locals(marked=bint, copies=Duplicates, taken=bint, target=Target)
    cdef _on_request(self, Request request)
    @cython.locals(request=Request, response=Response, answers=Answers)
    cdef _on_exchange(self, Exchange exchange)
