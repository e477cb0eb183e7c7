"""Options about comparing, and what is told of it at the end: the verdict, the findings, and files for machines."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from shadowtap.cli.findings import findings, judged
from shadowtap.cli.options import Parser, reader
from shadowtap.cli.output import PRIVATE, write_whole
from shadowtap.compare import (
    Comparison,
    State,
    json_text,
    junit_text,
    overall,
    read_noise,
    write_noise,
)
from shadowtap.config import Settings
from shadowtap.config.addresses import parse_target
from shadowtap.config.compare import CompareSettings, conditions_of, rules_of
from shadowtap.config.kinds import Text
from shadowtap.config.sources import can_be_read_again, parse
from shadowtap.errors import UsageError
from shadowtap.runner.sinks import masker_of, masking_key

_FIELDS = {
    "compare": "enabled",
    "fail_on": "fail_on",
    "reference": "reference",
    "compare_json": "json",
    "compare_junit": "junit",
    "save_noise": "save_noise",
    "noise": "noise_file",
    "ignore": "ignore",
}
_SEVERAL = ("fail_on", "ignore")
FAILED = 1


def add_comparing(parser: Parser) -> None:
    """Declare the options. What is not given is left out of the result, so that the file may say it."""
    absent = argparse.SUPPRESS
    group = parser.add_argument_group("comparing with production's answers (docs/comparing.md)")
    group.add_argument(
        "--compare",
        action="store_true",
        default=absent,
        help="say where targets answer otherwise than production",
    )
    group.add_argument(
        "--fail-on",
        action="append",
        default=absent,
        metavar="RULE",
        help="exit code 1 if this holds, such as 'mismatch > 0.1%% or p99 > 1.2x', or cannot be told",
    )
    group.add_argument(
        "--ignore",
        action="append",
        default=absent,
        metavar="PLACE",
        help="do not compare this, such as body.took_ms, 'GET /users/{id} body.seen' or 'header x-cell'",
    )
    for flag, metavar, text in (
        ("--reference", "TARGET", "a target that runs production's version: where it differs is noise"),
        ("--noise", "FILE", "noise that was learned before and looked at"),
        ("--compare-json", "FILE", "write what was found as JSON (-: to stdout)"),
        ("--compare-junit", "FILE", "write it as JUnit's XML"),
        ("--save-noise", "FILE", "write what was learned of noise, to look at, edit and load again"),
    ):
        group.add_argument(flag, type=reader(Text, flag), default=absent, metavar=metavar, help=text)


def compare_table(args: argparse.Namespace) -> dict[str, Any]:
    """The fields of [compare] that options gave."""
    given = vars(args)
    table = {field: given[name] for name, field in _FIELDS.items() if name in given}
    return table | {field: tuple(table[field]) for field in _SEVERAL if field in table}


def comparison_of(settings: Settings) -> Comparison | None:
    """What compares, or None where nobody asks for it. Raises UsageError."""
    compare = settings.compare
    if not compare.wanted:
        return None
    names = [str(target.address) for target in settings.targets]
    if not names:
        raise UsageError("there is nothing to compare without a target; name one with --to")
    conditions_of(compare)
    reference, noise = _reference(compare, names), noise_of(compare)
    return Comparison(rules_of(compare), reference=reference, noise=noise, targets=names)


def tell(comparison: Comparison, settings: Settings, *, quiet: bool) -> int:
    """Say and write what came out; the exit code. Raises RunError where a file cannot be written."""
    compare = settings.compare
    results = comparison.result()
    judgements = [j for condition in conditions_of(compare) for j in comparison.judge(condition)]
    masker = masker_of(settings.mask, masking_key(settings.mask, os.urandom))
    noise = comparison.learned.rules()
    if not quiet:
        lines = [*findings(results, masker), *_about_pace(settings), *judged(judgements)]
        print("\n".join(lines), file=sys.stderr, flush=True)
    if compare.json is not None:
        _write(compare.json, json_text(results, judgements, noise, masker))
    if compare.junit is not None:
        _write(compare.junit, junit_text(results, judgements, masker))
    if compare.save_noise is not None:
        _write(compare.save_noise, write_noise(noise, masker))
    failed = bool(conditions_of(compare)) and overall(judgements) is not State.PASSED
    return FAILED if failed else 0


def _about_pace(settings: Settings) -> list[str]:
    """A warning where latencies are those of a target under full load."""
    paced = settings.schedule is not None and settings.schedule.speed is not None
    if paced or not all(can_be_read_again(parse(url)) for url in settings.sources):
        return []
    return [
        "",
        "Requests were sent as fast as the target took them, so its latencies are not",
        "comparable with production's; `shadowtap replay` keeps production's pace.",
    ]


def _reference(compare: CompareSettings, names: list[str]) -> str | None:
    if compare.reference is None:
        return None
    reference = str(parse_target(compare.reference))
    if names == [reference]:
        raise UsageError(
            "--reference: the only target cannot be the reference; name the one to be checked with --to"
        )
    return reference


def noise_of(compare: CompareSettings) -> list[Any]:
    """The rules about noise that were learned before, from their file. Raises UsageError."""
    if compare.noise_file is None:
        return []
    try:
        return read_noise(Path(compare.noise_file).read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{compare.noise_file}: cannot be read: {error}") from None
    except UsageError as error:
        raise UsageError(f"{compare.noise_file}: {error}") from None


def _write(path: str, text: str) -> None:
    """A file as it is; on stdout a line end behind it."""
    text += "\n" if path == "-" else ""
    write_whole(path, text.encode(), "what was compared", mode=PRIVATE)
