"""Options about comparing, and what is told of it at the end: the verdict, the findings, and files for machines."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shadowtap.cli.options import Parser, reader
from shadowtap.compare import (
    Comparison,
    Judgement,
    Result,
    State,
    json_text,
    junit_text,
    overall,
    read_noise,
    write_noise,
)
from shadowtap.config import Settings
from shadowtap.config.compare import CompareSettings, conditions_of, rules_of
from shadowtap.config.kinds import Text
from shadowtap.errors import RunError, UsageError
from shadowtap.masking import Masker
from shadowtap.report import words
from shadowtap.runner.sinks import masker_of, masking_key

_FIELDS = {
    "compare": "enabled",
    "fail_on": "fail_on",
    "reference": "reference",
    "compare_json": "json",
    "compare_junit": "junit",
    "save_noise": "save_noise",
}
SHOWN = 12
"""Groups of differences that are shown of a target; the files have them all."""
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
    for flag, metavar, text in (
        ("--reference", "TARGET", "the one of the targets that runs production's version, to know noise by"),
        ("--compare-json", "FILE", "write what was found as JSON (-: to stdout)"),
        ("--compare-junit", "FILE", "write it as JUnit's XML"),
        ("--save-noise", "FILE", "write what was learned of noise, to look at, edit and load again"),
    ):
        group.add_argument(flag, type=reader(Text, flag), default=absent, metavar=metavar, help=text)


def compare_table(args: argparse.Namespace) -> dict[str, Any]:
    """The fields of [compare] that options gave."""
    given = vars(args)
    table = {field: given[name] for name, field in _FIELDS.items() if name in given}
    if "fail_on" in table:
        table["fail_on"] = tuple(table["fail_on"])
    return table


def comparison_of(settings: Settings) -> Comparison | None:
    """What compares, or None where nobody asks for it. Raises UsageError."""
    compare = settings.compare
    if not compare.wanted:
        return None
    names = [str(target.address) for target in settings.targets]
    if not names:
        raise UsageError("there is nothing to compare without a target; name one with --to")
    conditions_of(compare)
    return Comparison(rules_of(compare), reference=_reference(compare, names), noise=noise_of(compare))


def tell(comparison: Comparison, settings: Settings, *, quiet: bool) -> int:
    """Say and write what came out; the exit code. Raises RunError where a file cannot be written."""
    compare = settings.compare
    results = comparison.result()
    judgements = [j for condition in conditions_of(compare) for j in comparison.judge(condition)]
    masker = masker_of(settings.mask, masking_key(settings.mask, os.urandom))
    noise = comparison.learned.rules()
    if not quiet:
        print("\n".join([*_findings(results, masker), *_verdict(judgements)]), file=sys.stderr, flush=True)
    if compare.json is not None:
        _write(compare.json, json_text(results, judgements, noise, masker))
    if compare.junit is not None:
        _write(compare.junit, junit_text(results, judgements, masker))
    if compare.save_noise is not None:
        _write(compare.save_noise, write_noise(noise, masker))
    failed = bool(conditions_of(compare)) and overall(judgements) is not State.PASSED
    return FAILED if failed else 0


def _reference(compare: CompareSettings, names: list[str]) -> str | None:
    if compare.reference is None:
        return None
    if compare.reference.rstrip("/") not in names:
        raise UsageError(f"--reference {compare.reference}: is none of the targets: {', '.join(names)}")
    if len(names) == 1:
        raise UsageError("--reference: the only target cannot be the reference; add the one to be checked")
    return compare.reference.rstrip("/")


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


def _findings(results: Sequence[Result], masker: Masker) -> list[str]:
    lines: list[str] = []
    for result in results:
        summary = result.summary
        share = words.share(summary.mismatched, summary.compared)
        compared = f"{words.count(summary.compared)} answers compared"
        lines += ["", f"{summary.target}: {compared}, {words.count(summary.mismatched)} differ ({share})"]
        rows = [row for row in summary.rows if not row.rule]
        for row in rows[:SHOWN]:
            endpoint, kind, where = row.group.place
            lines.append(
                f"  {words.count(row.group.answers):>9}  {masker.text(endpoint)}  {kind} {masker.text(where)}"
            )
        if len(rows) > SHOWN:
            lines.append(f"  {'':9}  and {len(rows) - SHOWN} more; --compare-json has them all")
        if summary.noise:
            lines.append(f"  noise: {masker.text(words.reasons(summary.noise, 6))}")
        if summary.skipped:
            lines.append(f"  not compared: {words.reasons(summary.skipped)}")
        ratio = result.latency.ratio
        if ratio is not None:
            lines.append(f"  latency: {result.latency.verdict}, {ratio:.2f} times production's in the middle")
        lines += [f"  slower: {masker.text(name)}" for name in result.figures.slower[:SHOWN]]
    return lines


def _verdict(judgements: Sequence[Judgement]) -> list[str]:
    lines = [""] if judgements else []
    for judgement in judgements:
        why = "; ".join(judgement.reasons)
        lines.append(f"{judgement.state.upper()}  {judgement.target}  {judgement.condition}: {why}")
    return lines


def _write(path: str, text: str) -> None:
    if path == "-":
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
        return
    try:
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(text)
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror}") from None
