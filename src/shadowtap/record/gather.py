"""Of many messages, each field as a list: one pass, in compiled code where there is a compiler."""

from typing import Any

from shadowtap.events.messages import Request, Response

Columns = tuple[list[Any], ...]


def requests_by_field(requests: list[Request | None]) -> Columns:
    """Index, time, end, method, target, version, head, body, chunked, flags and fault of requests.

    None where there is no request; the flags then are empty.
    """
    index: list[Any] = []
    time: list[Any] = []
    end: list[Any] = []
    method: list[Any] = []
    target: list[Any] = []
    version: list[Any] = []
    head: list[Any] = []
    body: list[Any] = []
    chunked: list[Any] = []
    flags: list[Any] = []
    fault: list[Any] = []
    found = index, time, end, method, target, version, head, body, chunked, flags, fault
    for request in requests:
        if request is None:
            for column in found:
                column.append(None if column is not flags else ())
            continue
        index.append(request.index)
        time.append(request.time_ns)
        end.append(request.end_ns)
        method.append(request.method)
        target.append(request.target)
        version.append(request.version)
        head.append(request.head)
        body.append(request.body)
        chunked.append(request.chunked)
        flags.append(request.flags)
        fault.append(request.fault)
    return found


def responses_by_field(responses: list[Response | None]) -> Columns:
    """Time, end, status, reason, version, head, body, octets of the body, chunked, flags and fault of answers, as of
    requests."""
    time: list[Any] = []
    end: list[Any] = []
    status: list[Any] = []
    reason: list[Any] = []
    version: list[Any] = []
    head: list[Any] = []
    body: list[Any] = []
    octets: list[Any] = []
    chunked: list[Any] = []
    flags: list[Any] = []
    fault: list[Any] = []
    found = time, end, status, reason, version, head, body, octets, chunked, flags, fault
    for response in responses:
        if response is None:
            for column in found:
                column.append(None if column is not flags else ())
            continue
        time.append(response.time_ns)
        end.append(response.end_ns)
        status.append(response.status)
        reason.append(response.reason)
        version.append(response.version)
        head.append(response.head)
        body.append(response.body)
        octets.append(response.body_bytes)
        chunked.append(response.chunked)
        flags.append(response.flags)
        fault.append(response.fault)
    return found
