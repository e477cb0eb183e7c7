"""What a comparison found, as lines for people: at most 80 columns, nothing that a terminal would obey."""

from collections.abc import Iterable, Sequence

from shadowtap.compare import Judgement, Mask, Result
from shadowtap.compare.findings import Row
from shadowtap.compare.mask import masked_difference
from shadowtap.report import words

SHOWN = 12
"""Groups of differences that are shown of a target; the files have them all."""
WIDTH = 80
_NOTHING = "nothing"


def findings(results: Iterable[Result], mask: Mask) -> list[str]:
    """The findings of each target: how many answers differ, where, what was taken for noise, and how fast it is."""
    return [line for result in results for line in ("", *_target(result, mask))]


def judged(judgements: Sequence[Judgement]) -> list[str]:
    """A line for each verdict, with its reasons below."""
    lines = [""] if judgements else []
    for judgement in judgements:
        lines.append(_plain(f"{judgement.state.upper():9} {judgement.condition}  at {judgement.target}"))
        lines += [_plain(f"{'':9} {reason}") for reason in judgement.reasons]
    return lines


def _target(result: Result, mask: Mask) -> list[str]:
    summary = result.summary
    share = words.share(summary.mismatched, summary.compared)
    answers = f"{words.count(summary.compared)} answers compared"
    lines = [_plain(summary.target), f"  {answers}, {words.count(summary.mismatched)} differ ({share})"]
    if result.counts.left_out:
        sample = words.share(result.counts.replayed - result.counts.left_out, result.counts.replayed)
        lines.append(f"  a sample of {sample}: {words.count(result.counts.left_out)} there was no time for")
    rows = [row for row in summary.rows if not row.rule]
    lines += _rows(rows[:SHOWN], mask)
    if len(rows) > SHOWN:
        lines += ["", f"  and {len(rows) - SHOWN} more; --compare-json FILE has them all"]
    return [*lines, *_beside(result, mask)]


def _rows(rows: Sequence[Row], mask: Mask) -> list[str]:
    """By endpoint, those with the most answers first."""
    lines: list[str] = []
    by_endpoint: dict[str, list[Row]] = {}
    for row in rows:
        by_endpoint.setdefault(row.group.place[0], []).append(row)
    for endpoint, found in by_endpoint.items():
        lines += ["", _cut(f"  {mask.text(endpoint)}")]
        for row in found:
            lines.append(_cut(f"  {words.count(row.group.answers):>9}  {_what(row, mask)}"))
    return lines


def _what(row: Row, mask: Mask) -> str:
    """`json_type body.price: 1950 → "1950"`."""
    _, kind, where = row.group.place
    where = mask.text(where)
    text = kind if kind == where else f"{kind} {where}"
    if kind.endswith("_order"):
        return f"{text}: the same in another order"
    if not row.group.examples:
        return text
    shown = masked_difference(row.group.examples[0].difference, mask)
    return f"{text}: {shown.production or _NOTHING} → {shown.target or _NOTHING}"


def _beside(result: Result, mask: Mask) -> list[str]:
    summary, lines = result.summary, [""]
    if summary.noise:
        noise = words.count(sum(summary.noise.values()))
        lines.append(f"  noise, not counted: {noise} differences by {len(summary.noise)} rules, such as")
        most = sorted(summary.noise.items(), key=lambda pair: -pair[1])
        lines += [_cut(f"  {words.count(n):>9}  {mask.text(rule)}") for rule, n in most[:4]]
    if summary.skipped:
        lines.append(f"  not compared: {words.count(sum(summary.skipped.values()))}")
        most = sorted(summary.skipped.items(), key=lambda pair: -pair[1])
        lines += [_cut(f"  {words.count(n):>9}  {why}") for why, n in most[:4]]
    ratio = result.latency.ratio
    if ratio is not None:
        lines.append(f"  latency: {result.latency.verdict}, {ratio:.2f} times production's in the middle")
    lines += [
        _cut(f"  slower: {mask.text(name)}{_ratio(result, name)}") for name in result.figures.slower[:SHOWN]
    ]
    return lines if len(lines) > 1 else []


def _ratio(result: Result, endpoint: str) -> str:
    ratio = result.endpoints[endpoint].ratio
    return "" if ratio is None else f", {ratio:.2f} times production's"


def _cut(text: str) -> str:
    text = _plain(text)
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def _plain(text: str) -> str:
    """Without control characters: what servers answer is not for the terminal to obey."""
    return "".join([c if c.isprintable() else "·" for c in text])
