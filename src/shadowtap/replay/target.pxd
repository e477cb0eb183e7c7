cimport cython

from shadowtap.events.messages cimport Request
from shadowtap.http1.plain cimport Plain
from shadowtap.ledger cimport TargetAccount
from shadowtap.replay.breaker cimport Breaker
from shadowtap.replay.lane cimport Lane
from shadowtap.replay.link cimport Links
from shadowtap.replay.outgoing cimport Outgoing

cdef class Target:
    cdef public TargetAccount account
    cdef public list addresses
    cdef public bint full, limited, _keep_bodies
    cdef public long long _held_bytes, _byte_limit, _connection_limit, _in_flight_limit, _pool, _queue_limit, _soft_closes
    cdef public object _allows, _host, _limits, _line, _notify, _on_addresses, _on_outcome, _port, _refused, _resolving
    cdef public object _tls, _why_down
    cdef public double _connect_timeout_s, _resolved_at, _soft_closes_since, _timeout_s
    cdef public Breaker _breaker
    cdef public dict _busy, _dialing, _lanes, _resting
    cdef public Links _links
    cdef public Outgoing _outgoing
    cdef public Plain _plain
    cdef dict __dict__

    @cython.locals(account=TargetAccount, size=Py_ssize_t, held_bytes="long long")
    cpdef bint offer(self, Request request) except -1
    @cython.locals(lane=Lane)
    cpdef _give(self, Request request)
    cpdef new_wire(self, Lane lane)
    cpdef Outgoing new_outgoing(self)
    cpdef connection_ended(self, number)
    cpdef wants(self, Lane lane)
    cdef bint _is_full(self) except -1
    cdef bint _has_room(self, Lane lane) except -1
    cdef _let_go(self, Lane lane)
    cdef _admit(self)
    cpdef connected(self, Lane lane)
    cpdef rests(self, Lane lane)
    cpdef finished(self, Lane lane)
    cpdef closed(self, Lane lane)
    cpdef bint closes_hard(self) except -1
    @cython.locals(account=TargetAccount, first_ns="long long")
    cpdef answered(self, Lane lane, Request request, int status, bytes head, bytes body)
