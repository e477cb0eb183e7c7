cimport cython

from shadowtap.events.messages cimport Request, Response

@cython.locals(
    index=list, time=list, end=list, method=list, target=list, version=list, head=list, body=list, chunked=list,
    flags=list, fault=list, request=Request,
)
cpdef tuple requests_by_field(list requests)
@cython.locals(
    time=list, end=list, status=list, reason=list, version=list, head=list, body=list, octets=list, chunked=list,
    flags=list, fault=list, response=Response,
)
cpdef tuple responses_by_field(list responses)
