"""The seam: one call in, one answer out, and what can go wrong with it in words that say what to do.

An operation is named as AWS names it (`DescribeInstances`), because that is also its name in IAM: so a refused
permission can be told by name, and the policies that `policy.py` prints can be tested against the calls made.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

from shadowtap.errors import RunError

Answer = Mapping[str, Any]

IAM_PREFIX = {"elbv2": "elasticloadbalancing", "elb": "elasticloadbalancing"}
"""Where the name of a service in IAM differs from its name in the SDK."""

TOKENS = {
    "elbv2": ("Marker", "NextMarker"),
    "elb": ("Marker", "NextMarker"),
    "ecs": ("nextToken", "nextToken"),
    "ram": ("nextToken", "nextToken"),
}
"""How a service pages: the name of the token in the request and in the answer; the rest say NextToken twice."""

DENIED = frozenset(
    {
        "UnauthorizedOperation",
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "Client.UnauthorizedOperation",
    }
)
THROTTLED = frozenset(
    {
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "PriorRequestNotComplete",
    }
)
"""Ask again later (EC2 API error codes; the common errors of the other services)."""
PASSING = THROTTLED | {
    "InternalError",
    "InternalFailure",
    "ServiceUnavailable",
    "Unavailable",
    "ServerInternal",
    "Timeout",
    "503",
    "500",
}
DRY_RUN_OK = "DryRunOperation"


class ApiError(RunError):
    """AWS said no. `code` is its error code; `passing` that the same call may succeed later."""

    def __init__(self, service: str, operation: str, code: str, message: str) -> None:
        self.service, self.operation, self.code, self.message = service, operation, code, message
        super().__init__(self._text())

    @property
    def denied(self) -> bool:
        return self.code in DENIED

    @property
    def passing(self) -> bool:
        return self.code in PASSING

    @property
    def action(self) -> str:
        """The IAM action that is missing: the one AWS names, else the one of the call."""
        named = re.search(r"to perform:? ([a-z0-9-]+:[A-Za-z0-9*]+)", self.message)
        return named[1] if named else action_of(self.service, self.operation)

    def _text(self) -> str:
        if self.denied:
            return (
                f"not allowed: the missing permission is {self.action}"
                f" (`shadowtap aws policy` prints what each command needs)"
            )
        return f"{self.operation}: {self.code}: {self.message}"


def action_of(service: str, operation: str) -> str:
    """What IAM calls the permission for a call; a batch of SQS needs the permission of its parts."""
    return f"{IAM_PREFIX.get(service, service)}:{operation.removesuffix('Batch')}"


class Api(Protocol):
    """One account and region. `call` raises ApiError and nothing else."""

    account: str
    region: str

    def call(self, service: str, operation: str, **parameters: object) -> Answer: ...


def pages(api: Api, service: str, operation: str, field: str, **parameters: object) -> Iterator[Any]:
    """Every item of `field`, page after page. Done by hand: not every operation has a paginator."""
    ask, told = TOKENS.get(service, ("NextToken", "NextToken"))
    while True:
        answer = api.call(service, operation, **parameters)
        yield from answer.get(field) or ()
        token = answer.get(told)
        if not token:
            return
        parameters[ask] = token


Result = TypeVar("Result")


def patiently(
    attempt: Callable[[], Result],
    sleep: Callable[[float], None],
    random: Callable[[], float],
    attempts: int = 8,
    cap_s: float = 20.0,
) -> Result:
    """Tries again while the failure is a passing one, waiting longer each time, with full jitter.

    Creations carry a ClientToken, so that trying again after an answer that got lost creates nothing twice.
    Eight attempts wait up to about 50 s in all, which outlasts the EC2 API's refill of its token bucket.
    """
    for count in range(attempts):
        try:
            return attempt()
        except ApiError as error:
            if not error.passing or count == attempts - 1:
                raise
            sleep(random() * min(cap_s, 0.5 * 2**count))
    raise AssertionError("unreachable")


class Patient:
    """An Api whose calls outlast throttling. Deletions and changes are idempotent, creations carry a token."""

    def __init__(self, api: Api, sleep: Callable[[float], None], random: Callable[[], float]) -> None:
        self._api, self._sleep, self._random = api, sleep, random
        self.account, self.region = api.account, api.region

    def call(self, service: str, operation: str, **parameters: object) -> Answer:
        return patiently(lambda: self._api.call(service, operation, **parameters), self._sleep, self._random)


def optional(call: Callable[[], Result], missing: list[str]) -> Result | None:
    """What is nice to know. A refused permission adds its action to `missing` instead of ending the command."""
    try:
        return call()
    except ApiError as error:
        if not error.denied:
            raise
        missing.append(error.action)
        return None
