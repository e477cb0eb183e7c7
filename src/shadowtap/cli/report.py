"""shadowtap report: what a recording shows, or the files of a run, as one HTML page."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from shadowtap.cli.comparing import noise_of
from shadowtap.cli.findings import judged
from shadowtap.cli.options import Parser, reader
from shadowtap.cli.output import PRIVATE, check_writable, refuse_overwriting, write_whole
from shadowtap.compare import Comparison, overall
from shadowtap.compare.conditions import Judgement, State
from shadowtap.config import Settings
from shadowtap.config.compare import conditions_of, rules_of
from shadowtap.config.kinds import Text
from shadowtap.config.merge import load
from shadowtap.errors import UsageError
from shadowtap.events import Observation, Outcome, replace
from shadowtap.report.page import Report, Traffic, account_from, page
from shadowtap.runner.reporting import Found, Shown, findings_of, found_of
from shadowtap.runner.sinks import masker_of, masking_key

FAILED = 1
_RECORDING = "recording:"
_KINDS = "recording:DIR, or files that --summary and --compare-json have written"


class _Read(NamedTuple):
    """What the sources gave."""

    traffic: Traffic | None = None
    found: Found | None = None
    exchanges: int = 0
    notes: tuple[str, ...] = ()


def parser() -> Parser:
    """The options of `report`."""
    options = Parser(
        prog="shadowtap report",
        usage="shadowtap report SOURCE… [-o FILE] [options]",
        description="Makes one HTML page of a recording, or of what a run has written: traffic, latencies,\n"
        "differences with examples, endpoints, noise and the account. It needs no network and no other file.",
        epilog="Targets' answers in a recording are compared with production's, unless the run has done so.\n"
        "'shadowtap run --report FILE' makes the page of a run, '--ui PORT' shows it while it goes on.\n"
        "docs/report.md says what is on it.",
    )
    options.add_argument("sources", metavar="SOURCE", nargs="+", help=_KINDS)
    options.add_argument(
        "-o",
        "--output",
        default="report.html",
        metavar="FILE",
        help="the page (default: report.html; -: stdout)",
    )
    options.add_argument("--title", default="shadowtap report", metavar="TEXT", help="what stands above it")
    options.add_argument(
        "--config", metavar="FILE", help="a TOML file, of which [compare] and [mask] are taken"
    )
    options.add_argument(
        "--fail-on",
        action="append",
        default=[],
        metavar="RULE",
        help="exit code 1 if this holds, such as 'mismatch > 0.1%% or p99 > 1.2x', or cannot be told",
    )
    options.add_argument(
        "--recording-key",
        type=reader(Text, "--recording-key"),
        metavar="FILE",
        help="the key of an encrypted recording",
    )
    return options


def execute(argv: list[str]) -> int:
    """Carry it out."""
    args = parser().parse(argv)
    check_writable(args.output, "report")
    refuse_overwriting(args.output, args.sources, "report")
    tables = {"compare": {"fail_on": tuple(args.fail_on)}} if args.fail_on else {}
    settings = load(args.config, for_tables=tables)
    folders = [url.removeprefix(_RECORDING) for url in args.sources if _is_recording(url)]
    files = _files([url for url in args.sources if not _is_recording(url)])
    key = args.recording_key or settings.recording_key
    if args.fail_on and ("findings" in files or not folders):
        raise UsageError(
            "--fail-on does nothing here: files of a run hold its own verdict; give recording:DIR alone"
        )
    read = _read(folders, settings, key, compare="findings" not in files) if folders else _Read()
    shown = Shown(masker_of(settings.mask, masking_key(settings.mask, os.urandom)))
    seen = None if read.traffic is None else read.traffic.seen()
    findings = files.get("findings")
    if findings is None and read.found is not None:
        findings = findings_of(read.found, shown)
    account = files.get("account")
    report = Report(
        title=args.title,
        origin=", ".join(args.sources),
        made_ns=time.time_ns(),
        account=account if account is not None or seen is None else account_from(seen),
        findings=findings,
        traffic=None if seen is None else seen.renamed(shown.name),
        notes=read.notes,
    )
    octets = page(report).encode()
    write_whole(args.output, octets, "the report", mode=PRIVATE)
    made_of = f"{read.exchanges:,} exchanges" if folders else " and ".join(args.sources)
    print(f"{args.output}: {len(octets) / 1e6:.1f} MB, made of {made_of}", file=sys.stderr)
    if not folders or "findings" in files:
        return 0
    return _told(() if read.found is None else read.found.judgements, settings)


def _told(judgements: Sequence[Judgement], settings: Settings) -> int:
    """Say whether the conditions hold, and why; the exit code."""
    if not settings.compare.fail_on:
        return 0
    lines = judged(judgements) or ["no target's answer is in the recording, so no condition can be told"]
    print("\n".join(lines), file=sys.stderr)
    return 0 if overall(judgements) is State.PASSED else FAILED


def _is_recording(url: str) -> bool:
    return url.startswith(_RECORDING) or os.path.isdir(url)


# -- a recording -----------------------------------------------------------------------------------------------------


def _read(folders: Sequence[str], settings: Settings, key_file: str | None, *, compare: bool) -> _Read:
    chosen = settings.compare
    comparison = Comparison(
        rules_of(chosen), reference=(chosen.reference or "").rstrip("/") or None, noise=noise_of(chosen)
    )
    traffic, notes, count, outcomes = Traffic(comparison.endpoints), list[str](), 0, 0
    for observation in _observations(folders, key_file, notes):
        count += 1
        outcomes += len(observation.outcomes)
        traffic.add(_judged(comparison, observation) if compare else observation)
    found = None
    if compare and outcomes:
        found = found_of(comparison, comparison.result(), conditions_of(chosen))
    return _Read(traffic, found, count, tuple(notes))


def _observations(folders: Sequence[str], key_file: str | None, notes: list[str]) -> Iterator[Observation]:
    """What was recorded; interim answers (1xx) come with their final one."""
    from shadowtap.record import Recording, read_key  # noqa: PLC0415  it needs the extra

    key = None if key_file is None else read_key(key_file)
    for folder in folders:
        recording = Recording(folder, key=key)
        for observation in recording.exchanges():
            response = observation.exchange.response
            if response is None or response.status >= 200 or response.status == 101:
                yield observation
        notes += recording.problems


def _judged(comparison: Comparison, observation: Observation) -> Observation:
    """The observation with a verdict for each target: the one that was recorded, or one made now."""
    exchange = observation.exchange
    if exchange.response is not None:
        comparison.production(exchange)
    if not observation.outcomes:
        return observation
    known = {verdict.target: verdict for verdict in observation.verdicts}
    for outcome in observation.outcomes:
        verdict = known.get(outcome.target)
        if verdict is None:
            known[outcome.target] = comparison.answered(exchange, outcome, now_ns=_at(outcome))
        else:
            comparison.judged(exchange, outcome, verdict, now_ns=_at(outcome))
    return replace(observation, verdicts=tuple(known.values()))


def _at(outcome: Outcome) -> int:
    return outcome.sent_ns or outcome.request.time_ns


# -- files of a run --------------------------------------------------------------------------------------------------


def _files(paths: Sequence[str]) -> dict[str, Any]:
    """The account and the findings that files hold. Raises UsageError."""
    found: dict[str, Any] = {}
    for path in paths:
        content = _json(path)
        kind = "account" if "requests" in content else "findings" if "judgements" in content else ""
        if not kind:
            raise UsageError(f"{path}: neither --summary nor --compare-json has written this; give {_KINDS}")
        if kind in found:
            raise UsageError(f"{path}: there is one more file of its kind; a page shows one run")
        found[kind] = content
    return found


def _json(path: str) -> dict[str, Any]:
    try:
        content = msgspec.json.decode(Path(path).read_bytes())
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file; give {_KINDS}") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, RecursionError):
        raise UsageError(f"{path}: is no JSON; give {_KINDS}") from None
    if not isinstance(content, dict):
        raise UsageError(f"{path}: neither --summary nor --compare-json has written this; give {_KINDS}")
    return content
