"""Hooks for `shadowtap run --hooks examples/hooks.py`: take what you need. docs/hooks.md tells all there is."""

import sys

from shadowtap.hooks import HookAnswer, HookRequest

TEST_CARD = "4242424242424242"


def request(request: HookRequest) -> HookRequest | None:
    """Called with each request before it is replayed. Return it, or None to leave it out."""
    if request.path == "/health":
        return None

    if request.path.startswith("/v1/"):
        request.path = "/v2/" + request.path.removeprefix("/v1/")
    request.query.remove("debug")

    if request.method == "POST" and request.path == "/orders":
        order = request.json  # unpacked, whatever its Content-Encoding
        if "card" in order:
            order["card"] = TEST_CARD
            request.json = order  # packed again, with the right length
    else:
        request.headers.set("X-Replayed-From", request.client)
    return request


def answers(request: HookRequest, production: HookAnswer | None, outcomes: list[HookAnswer]) -> None:
    """Called when all answers to a request are there, production's and those of the targets."""
    for outcome in outcomes:
        if production is not None and production.status < 500 <= outcome.status:
            print(f"{outcome.target}: {outcome.status} for {request.method} {request.path}", file=sys.stderr)
