"""Runs a fuzz target: guided by coverage where atheris is installed, else as a plain loop of mutations.

    python fuzz/fuzz_http.py --minutes 10           until then; without --minutes until stopped
    python fuzz/fuzz_http.py --minutes 1 --plain    without atheris; --seed N makes it another run
    python fuzz/fuzz_http.py crash-FILE             that input once more

An input is a list of records, so that mutations can know what they change: a kind, a length, octets. Both ways of
running start from the target's seeds and use its own mutations; atheris adds its own. An input that raises, or takes
longer than SLOW_S, ends the run and is left as a file `crash-…`.
"""

import argparse
import contextlib
import hashlib
import resource
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from types import FrameType
from typing import NamedTuple

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))  # packets and transcripts are made as the tests make them

MAX_BYTES = 1 << 16
SLOW_S = 2.0
"""CPU seconds that one input may take; an honest one of 64 KiB takes a few hundredths."""
HUNG_S = 20
_CORPUS = 2000
"""Inputs of its own that the plain loop builds on."""

Record = tuple[int, bytes]


class Target(NamedTuple):
    """What is fuzzed: a function that raises what a bug raises, inputs to begin with, and a way to change one."""

    one_input: Callable[[bytes], None]
    seeds: list[bytes]
    mutate: Callable[[bytes, Random], bytes]


class TooSlowError(AssertionError):
    """An input took too long."""


def unpack(data: bytes) -> list[Record]:
    """Any octets as records: a kind, a length of two octets, and what follows; the last may be cut."""
    records, at = [], 0
    while at + 3 <= len(data):
        kind, size = struct.unpack_from(">BH", data, at)
        records.append((kind, data[at + 3 : at + 3 + size]))
        at += 3 + size
    return records


def pack(records: Sequence[Record]) -> bytes:
    """Records as octets."""
    return b"".join(
        struct.pack(">BH", kind, len(octets[:0xFFFF])) + octets[:0xFFFF] for kind, octets in records
    )


# -- mutations -----------------------------------------------------------------------------------------------

_NUMBERS = (
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    15,
    16,
    19,
    20,
    21,
    40,
    0x7F,
    0x80,
    0xFE,
    0xFF,
    0x100,
    0x7FFF,
    0x8000,
    0xFFFF,
)


def change(octets: bytes, dice: Random, tokens: Sequence[bytes]) -> bytes:
    """Octets with one change: a bit, a number, a token, a piece out, in, twice or many times."""
    data = bytearray(octets or b"\0")
    at = dice.randrange(len(data))
    end = min(at + dice.choice((1, 2, 4, 8, 40, 400)), len(data))
    match dice.randrange(9):
        case 0:
            data[at] ^= 1 << dice.randrange(8)
        case 1:
            data[at] = dice.randrange(256)
        case 2:
            data[at : at + 2] = struct.pack(">H", dice.choice(_NUMBERS))
        case 3:
            del data[at:end]
        case 4:
            del data[at:]
        case 5:
            data[at:at] = dice.choice(tokens)
        case 6:
            data[at:end] = dice.choice(tokens)
        case 7:
            data[at:at] = data[at:end]
        case _:
            data[at:at] = data[at:end] * dice.choice((3, 50, 2000))
    return bytes(data[:MAX_BYTES])


def change_records(
    records: list[Record],
    dice: Random,
    kinds: Callable[[Random], int],
    spoil: Callable[[bytes, Random], bytes],
) -> list[Record]:
    """Records with a few changes: one spoilt, of another kind, gone, twice, elsewhere, cut in two, joined."""
    found = list(records) or [(kinds(dice), b"")]
    for _ in range(dice.choice((1, 1, 2, 4))):
        at = dice.randrange(len(found))
        kind, octets = found[at]
        cut = dice.randrange(len(octets) + 1)
        match dice.randrange(9):
            case 0 | 1 | 2:
                found[at] = kind, spoil(octets, dice)
            case 3:
                found[at] = kinds(dice), octets
            case 4:
                del found[at]
            case 5:
                found.insert(dice.randrange(len(found) + 1), found[at])
            case 6:
                found.insert(dice.randrange(len(found)), found.pop(at))
            case 7:
                found[at : at + 1] = [(kind, octets[:cut]), (kind, octets[cut:])]
            case _:
                found[at : at + 2] = [(kind, b"".join(part for _, part in found[at : at + 2]))]
        found = found or [(kinds(dice), b"")]
    return found


# -- running -------------------------------------------------------------------------------------------------


def guided() -> bool:
    """Whether this process is a fuzzer's and atheris guides it."""
    if Path(sys.argv[0]).parent.resolve() != HERE.resolve() or "--plain" in sys.argv:
        return False
    with contextlib.suppress(ImportError):
        import atheris  # noqa: F401, PLC0415

        return True
    return False


def watched() -> contextlib.AbstractContextManager[object]:
    """Around the imports of what is fuzzed: atheris watches which of its lines run."""
    if not guided():
        return contextlib.nullcontext()
    import atheris  # noqa: PLC0415

    return atheris.instrument_imports(include=["shadowtap"])


def play(
    target: Target,
    *,
    seed: int,
    inputs: int | None = None,
    seconds: float | None = None,
    folder: Path = Path(),
) -> int:
    """The plain loop: every seed, then mutations of seeds and of inputs before; how many there were.

    With `inputs` the same for the same seed everywhere. Raises what an input raises, and leaves the input as a file
    in `folder`.
    """
    dice, count, corpus = Random(seed), 0, list(target.seeds)
    end = None if seconds is None else time.monotonic() + seconds
    for data in _inputs(target, dice, corpus):
        if (inputs is not None and count >= inputs) or (end is not None and time.monotonic() >= end):
            break
        _checked(target, data, folder)
        count += 1
    return count


def _inputs(target: Target, dice: Random, corpus: list[bytes]) -> Iterator[bytes]:
    yield from target.seeds
    while True:
        data = target.mutate(dice.choice(corpus), dice)[:MAX_BYTES]
        yield data
        if len(corpus) < _CORPUS:
            corpus.append(data)
        elif dice.random() < 0.5:
            corpus[dice.randrange(len(target.seeds), _CORPUS)] = data
        else:
            corpus[dice.randrange(len(target.seeds), _CORPUS)] = dice.choice(target.seeds)


def _checked(target: Target, data: bytes, folder: Path) -> None:
    try:
        limited(target.one_input)(data)
    except BaseException as error:
        if not isinstance(error, KeyboardInterrupt):
            file = folder / f"crash-{hashlib.sha1(data).hexdigest()}"
            file.write_bytes(data)
            print(f"{file}: {data[:200]!r}", file=sys.stderr)
        raise


def limited(one_input: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """The same with a limit of time: at HUNG_S where it is, at SLOW_S when it is done."""

    def run(data: bytes) -> None:
        before = signal.signal(signal.SIGVTALRM, _hung)
        signal.setitimer(signal.ITIMER_VIRTUAL, HUNG_S)
        begun = time.process_time()
        try:
            one_input(data)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, before)
        took = time.process_time() - begun
        if took > SLOW_S:
            raise TooSlowError(f"{len(data)} octets took {took:.1f} s")

    return run


def _hung(number: int, frame: FrameType | None) -> None:
    raise TooSlowError(f"more than {HUNG_S} s of CPU")


def main(target: Target) -> None:
    """The command line of a target."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, help="how long (default: until stopped)")
    parser.add_argument("--plain", action="store_true", help="without atheris")
    parser.add_argument("--seed", type=int, default=1, help="of the plain loop (default: 1)")
    parser.add_argument("file", nargs="*", help="run these inputs, and stop")
    args = parser.parse_args()
    if args.file:
        for name in args.file:
            limited(target.one_input)(Path(name).read_bytes())
            print(f"{name}: nothing was raised")
    elif guided():
        _guide(target, args.minutes)
    else:
        begun = time.monotonic()
        seconds = None if args.minutes is None else args.minutes * 60
        count = play(target, seed=args.seed, seconds=seconds)
        _report(count, time.monotonic() - begun)


def _report(count: int, took_s: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{count} inputs in {took_s:.0f} s, nothing was raised; {peak} MB at most")


def _guide(target: Target, minutes: float | None) -> None:
    import atheris  # noqa: PLC0415

    def mutate(data: bytes, max_bytes: int, seed: int) -> bytes:
        dice = Random(seed)
        if dice.random() < 0.3:
            return bytes(atheris.Mutate(data, max_bytes))
        return target.mutate(data, dice)[:max_bytes]

    with tempfile.TemporaryDirectory(prefix="shadowtap-fuzz-") as corpus:
        for number, seed in enumerate(target.seeds):
            Path(corpus, f"seed-{number}").write_bytes(seed)
        options = [
            f"-max_len={MAX_BYTES}",
            f"-timeout={HUNG_S}",
            "-rss_limit_mb=1024",
            "-print_final_stats=1",
        ]
        if minutes is not None:
            options.append(f"-max_total_time={max(round(minutes * 60), 1)}")
        atheris.Setup([sys.argv[0], *options, corpus], limited(target.one_input), custom_mutator=mutate)
        atheris.Fuzz()
