"""What the tests claim of an experiment's result, and say precisely when it is not so."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from lab import Losses, Record, Result

_SHOWN = 5


def assert_exact(result: Result) -> None:
    """The target got every request of production, and the ledger says so and nothing else."""
    assert_replayed(result, result.production)
    count = len(result.production)
    account = result.requests
    named = {name: number for name, number in account.items() if number}
    assert named == ({"seen": count, "replayed": count} if count else {}), account
    assert_answered(result.ledger, count)
    assert_lossless_capture(result.ledger)


def assert_answered(ledger: dict[str, Any], count: int) -> None:
    """The first target answered `count` requests and failed none; the ledger's laws hold."""
    assert ledger["balanced"] is True
    target = ledger["targets"][0]
    wanted = {
        "offered": count,
        "replayed": count,
        "answered": count,
        "in_flight": 0,
        "failed": {},
        "overflowed": 0,
    }
    assert {name: target[name] for name in wanted} == wanted


def assert_lossless_capture(ledger: dict[str, Any]) -> None:
    """Neither the kernel nor shadowtap's receiving lost or cut a packet."""
    for name, source in ledger["capture"].items():
        assert source["frames"] > 0, name
        assert (source["kernel_drops"], source["cut"]) == (0, 0), name


def assert_replayed(result: Result, expected: Sequence[Record]) -> None:
    """The target received exactly `expected`: byte for byte but for Host and mark, each production connection's
    in order and over one connection of its own."""
    _assert_distinct(result.production)
    wanted, got = Counter(r.same() for r in expected), Counter(r.same() for r in result.target)
    assert got == wanted, _difference(result, wanted, got)
    assert all(record.whole for record in result.target)
    _assert_order(expected, result.target)
    for record in result.target:
        assert any(line.lower().startswith("x-shadowtap") for line in record.head.split("\r\n")), str(record)


def _assert_distinct(records: Sequence[Record]) -> None:
    repeated = [key for key, count in Counter(r.same() for r in records).items() if count > 1]
    assert not repeated, f"the test sends the same request twice: {repeated[0]}"


def _assert_order(expected: Sequence[Record], target: Sequence[Record]) -> None:
    arrival = {record.same(): (position, record) for position, record in enumerate(target)}
    by_connection: dict[int, list[Record]] = defaultdict(list)
    for record in expected:
        by_connection[record.connection].append(record)
    used: dict[int, int] = {}
    for connection, records in by_connection.items():
        arrived = [arrival[record.same()] for record in records]
        assert arrived == sorted(arrived, key=lambda found: found[0]), (
            f"connection {connection} is out of order"
        )
        over = {found.connection for _, found in arrived}
        assert len(over) == 1, f"connection {connection} went over {len(over)} connections"
        assert used.setdefault(over.pop(), connection) == connection, (
            f"connection {connection} shares its own"
        )


def _difference(result: Result, wanted: Counter[Any], got: Counter[Any]) -> str:
    missing, extra = wanted - got, got - wanted
    lines = [f"{missing.total()} requests are missing, {extra.total()} are there that should not be"]
    lines += [f"missing {r}" for r in result.production if r.same() in missing][:_SHOWN]
    lines += [f"extra   {r} {r.head!r}" for r in result.target if r.same() in extra][:_SHOWN]
    lines.append(
        f"ledger: {result.requests} flows: {result.ledger['flows']} messages: {result.ledger['messages']}"
    )
    return "\n".join(lines)


def whole(production: Sequence[Record], losses: Losses | None, port: int = 8080) -> list[Record]:
    """Those of which every byte reached the collector."""
    return [r for r in production if losses is None or not losses.lost(r, port)]


def assert_loss_accounted(result: Result, answer_bytes: int, port: int = 8080) -> None:
    """Loss cost exactly the requests it hit, and the ledger says how many.

    A request that vanished whole can only be known by its answer; every answer has `answer_bytes`, so which
    answers vanished too is known. Where several losses meet, such an answer may belong to a request that is counted
    already; then it is only told as an answer without a request.
    """
    losses = result.losses
    assert losses is not None
    survivors = whole(result.production, losses, port)
    hit = [r for r in result.production if losses.lost(r, port)]
    assert hit, "the relay hit no request: the test shows nothing"
    assert_replayed(result, survivors)
    invisible = sum(_invisible(record, losses, answer_bytes, port) for record in hit)
    account = result.requests
    incomplete = sum(account["incomplete"].values())
    assert account["replayed"] == len(survivors)
    orphans = result.ledger["messages"]["responses_without_request"]
    in_doubt = max(orphans - account["incomplete"].get("never_seen", 0), 0)
    told = (account, len(hit), invisible, in_doubt)
    assert len(hit) - invisible - in_doubt <= incomplete <= len(hit), told
    assert account["seen"] == account["replayed"] + incomplete
    assert set(account["incomplete"]) <= {"lost_packets", "truncated_packets", "never_seen"}
    assert_answered(result.ledger, len(survivors))
    assert_lossless_capture(result.ledger)


def _invisible(record: Record, losses: Losses, answer_bytes: int, port: int) -> bool:
    if losses.lost(record, port) < record.end - record.offset:
        return False
    start, end = record.index * answer_bytes, (record.index + 1) * answer_bytes
    return any(a < end and b > start for a, b in losses.towards(record.peer, port))
