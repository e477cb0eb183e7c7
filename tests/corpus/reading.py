"""The corpus read in this process: every capture through `shadowtap.api`, judged by the corpus' own `check.py`."""

import importlib.util
import json
import os
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from shadowtap.api import stream
from shadowtap.errors import RunError
from shadowtap.ledger import Ledger
from shadowtap.report.jsonlines import JsonLines

_RULES = Namespace(tls=False, no_http2=True, no_bodies=False)
_WORKERS = 2


class Verdict(NamedTuple):
    """What `check.py` says of one capture, and which laws its ledger broke."""

    file: str
    kinds: frozenset[str]
    counts: Counter[str]
    differences: tuple[str, ...]
    note: str
    imbalances: tuple[str, ...]

    @property
    def is_exact(self) -> bool:
        """Nothing missing, nothing extra, read to the end."""
        return not (self.counts["missing"] or self.counts["extra"] or self.note)


def corpus() -> Path | None:
    """The folder named by SHADOWTAP_CORPUS, or `shared/corpus` beside the checkout; None where it is not there."""
    named = os.environ.get("SHADOWTAP_CORPUS")
    folder = Path(named) if named else Path(__file__).parents[3] / "shared" / "corpus"
    return folder if (folder / "MANIFEST.tsv").is_file() else None


def verdicts(folder: Path) -> list[Verdict]:
    """All captures of the corpus, judged, in the order of its manifest."""
    lines = (folder / "MANIFEST.tsv").read_text().splitlines()
    names = lines[0].split("\t")
    rows = [dict(zip(names, line.split("\t"), strict=False)) for line in lines[1:]]
    tasks = [(folder, row["file"], row["kinds"]) for row in rows]
    with ProcessPoolExecutor(_WORKERS) as workers:
        return list(workers.map(_judge, tasks, chunksize=8))


def _judge(task: tuple[Path, str, str]) -> Verdict:
    folder, file, kinds = task
    check = _check(folder)
    with (folder / "expected" / f"{Path(file).name}.jsonl").open() as lines:
        expected = [json.loads(line) for line in lines]
    found, note, ledger = [], "", Ledger()
    try:
        found.extend(_extract(folder / file, ledger))
    except RunError as error:
        note = str(error)
    counts, details = check.compare(expected, found, _RULES)
    differences = tuple(f"{what} {check.show(want)} {check.show(got)}" for what, want, got in details)
    return Verdict(file, frozenset(kinds.split(",")), counts, differences, note, tuple(ledger.imbalances()))


def _extract(path: Path, ledger: Ledger) -> Iterator[dict[str, object]]:
    writer = JsonLines(keep_secrets=True)
    for message in stream(f"pcap:{path}", ledger=ledger):
        line = writer.line(message)
        if line:
            yield json.loads(line)


@cache
def _check(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("corpus_check", folder / "check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
