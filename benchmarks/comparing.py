"""What does it cost to compare an answer of 1 KiB of JSON, and what does a whole run of the shop cost?

    python benchmarks/comparing.py [--check] [--soak N]

Each line is CPU time a request, the best of several rounds: `compare` alone, and everything that a run does with an
exchange and its outcome (learning from production, comparing, grouping). `--soak N` feeds N requests of two identical
versions of the demo's shop, with sessions re-bound, and says what was reported: it should be nothing.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import msgspec

from shadowtap.compare import Comparison, compare
from shadowtap.events import Connection, Endpoint, Exchange, Outcome, Request, Response

MAX_US = 60.0
"""What the project promises for an answer that is equal."""
_AT = 1_795_608_000 * 10**9
_ON = Connection(1, Endpoint(ip_address("10.0.8.9"), 40_000), Endpoint(ip_address("10.0.1.20"), 80), 7)


def order(seen: str = "2026-11-23T12:00:00.000Z", token: str = "k3Jd82hsK1lqPz73MnQx") -> dict[str, object]:
    """What a shop says of an order, about 1 KiB."""
    items = [
        {"id": n, "name": f"Product number {n}", "price": n * 100.5, "tags": ["a", "b"]} for n in range(11)
    ]
    return {
        "id": 1007,
        "made": seen,
        "token": token,
        "items": items,
        "total": 6333.5,
        "paid": True,
        "note": None,
    }


def head(kind: str, length: int, number: int) -> bytes:
    """An answer's head as servers send it."""
    lines = [
        "HTTP/1.1 200 OK",
        f"Date: Mon, 23 Nov 2026 12:00:{number:02} GMT",
        f"Server: {kind}",
        f"X-Request-Id: 3f2b8c6e-58b1-4c1a-9d55-0000000000{number:02}",
        "Content-Type: application/json",
        "Cache-Control: no-store",
        f"Set-Cookie: sid=abc{number}; Path=/; HttpOnly",
        "Vary: Accept-Encoding",
        f"Content-Length: {length}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def pair(production: bytes, target: bytes, n: int = 1) -> tuple[Exchange, Outcome]:
    """An exchange of production's and the outcome at a target."""
    path = b"/orders/%d" % n
    at = _AT + n * 10**6
    asked = b"GET %b HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: x\r\nCookie: sid=abc\r\n\r\n" % path
    request = Request(_ON, n, at, at, b"GET", path, b"1.1", asked, b"", False, (), None)
    mine, theirs = head("old", len(production), 1), head("new", len(target), 2)
    done = at + 10**7
    response = Response(
        _ON, done, done, 200, b"OK", b"1.1", mine, production, len(production), False, (), None
    )
    outcome = Outcome("http://next:8080", request, at + 10**7, 10**7, 10**7, 200, theirs, target, None)
    return Exchange(request, response), outcome


def cases() -> dict[str, tuple[bytes, bytes]]:
    """By name: production's body and the target's."""
    encode = msgspec.json.encode
    plain = encode(order())
    return {
        "equal octets": (plain, plain),
        "equal, written otherwise": (plain, msgspec.json.format(plain, indent=1)),
        "equal but for noise": (plain, encode(order("2026-11-23T12:00:00.013Z", "aZ91kdLs03kdMMzp44Qw"))),
        "another price": (plain, plain.replace(b"100.5", b"101.5")),
    }


def us_each(call: Callable[[], object], number: int = 2000, rounds: int = 7) -> float:
    """Microseconds of CPU a call, the best of the rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time_ns()
        for _ in range(number):
            call()
        best = min(best, (time.process_time_ns() - start) / number / 1000)
    return best


def whole(production: bytes, target: bytes) -> Callable[[], object]:
    """All that a run does with one exchange after the other."""
    comparison = Comparison()
    made = itertools.cycle([pair(production, target, n) for n in range(1, 500)])

    def one() -> None:
        exchange, outcome = next(made)
        comparison.production(exchange)
        comparison.answered(exchange, outcome, now_ns=_AT)

    return one


def soak(count: int) -> int:
    """Feed identical versions; how many differences were reported."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from demo.feeding import Feed  # noqa: PLC0415  it is the tests'
    from shadowtap.compare.sessions import Rebinder  # noqa: PLC0415  not needed otherwise

    start = time.process_time()
    feed = Feed(11, rebinder=Rebinder()).run(count)
    (result,) = feed.comparison.result()
    rows = [row.group.place for row in result.summary.rows if not row.rule]
    took = time.process_time() - start
    noise = sum(result.summary.noise.values())
    print(f"{count:,} requests, {result.summary.compared:,} compared, {noise:,} differences that are noise")
    print(f"reported: {rows or 'nothing'}; slower: {result.figures.slower or 'nothing'}; {took:.0f} s of CPU")
    return len(rows) + len(result.figures.slower)


def main() -> int:
    """The program."""
    parser = argparse.ArgumentParser(description="Measure comparing.")
    parser.add_argument("--check", action="store_true", help="exit 1 where a promise is broken")
    parser.add_argument("--soak", type=int, metavar="N", help="feed N requests of identical versions")
    chosen = parser.parse_args()
    if chosen.soak:
        return min(soak(chosen.soak), 1)
    print(f"{'1 KiB of JSON':28}{'compare':>12}{'whole run':>12}   µs of CPU an answer")
    broken = False
    for name, (production, target) in cases().items():
        exchange, outcome = pair(production, target)
        alone = us_each(lambda e=exchange, o=outcome: compare(e, o))  # type: ignore[misc]
        together = us_each(whole(production, target))
        print(f"{name:28}{alone:12.1f}{together:12.1f}")
        broken |= name.startswith("equal") and together > MAX_US
    return 1 if broken and chosen.check else 0


if __name__ == "__main__":
    sys.exit(main())
