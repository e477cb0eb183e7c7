"""A recording read back, also while another process writes it: finished files, and what is whole of open journals.

Files that are damaged are left out, with a line that says so in `problems`; a file of another version of the schema
stops the reading, since leaving out would look like there was nothing.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from shadowtap.errors import RunError
from shadowtap.events import Message, Observation
from shadowtap.record import layout
from shadowtap.record.arrow import pa
from shadowtap.record.blocks import Block, file_blocks, journal_blocks, read_footer
from shadowtap.record.journal import JournalError, JournalReader
from shadowtap.record.key import RecordingKey
from shadowtap.record.merge import Recorded, in_time
from shadowtap.record.messages import messages
from shadowtap.record.rows import EVERYTHING, EXCHANGE_ONLY
from shadowtap.record.schema import MASKED_KEY, RUN_KEY, VERSION, version_of


class Recording:
    """What is in the folder `root` now. `files` are its finished files, `encrypted` those of them that are; `blocks`
    are all rows, `open_blocks` those of journals; `masked` says whether secrets were masked in any of it.

    `since_ns` and `until_ns` (wall-clock nanoseconds; the end excluded) limit it to exchanges that began then.
    `problems` has one line per file that could not be read, `notify` is given the same lines; `skipped_rows` counts
    what is known to be missing. Raises RunError where there is no recording, the key is missing or does not fit, or
    the schema is another version.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        key: RecordingKey | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.root = Path(root)
        self.problems: list[str] = []
        self.skipped_rows = 0
        self._key = key
        self._since_ns, self._until_ns = since_ns, until_ns
        self._notify = notify
        self._refused = 0
        if not self.root.is_dir():
            there = (
                "this is a file, and a recording is a folder"
                if self.root.exists()
                else "there is no such folder"
            )
            raise RunError(f"recording:{root}: {there}")
        journals = list(
            self._open_journals()
        )  # first: a journal that is finished meanwhile is found as a file
        self.files: list[Path] = []
        self.encrypted: list[Path] = []
        self.masked = any(journal.header.masked for journal in journals)
        finished = list(self._finished())
        found = [block for path in finished for block in self._of_file(path)]
        done = {path.stem for path in finished}  # not those that are there by now: they have not been read
        self.open_blocks = [b for j in journals if j.path.stem not in done for b in self._of_journal(j)]
        found += self.open_blocks
        found.sort(key=lambda block: block.path.stem)  # as written: a journal that was left may be the older
        self.blocks = [block for block in found if self._is_wanted(block)]
        self._check()

    # -- what there is -------------------------------------------------------------------------------------------

    @property
    def rows(self) -> int:
        """Exchanges in the blocks that the window touches: an upper bound, exact without a window."""
        return sum(block.rows for block in self.blocks)

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """When the first and the last of them began, to the microsecond; None when there are none."""
        if not self.blocks:
            return None
        first, last = min(b.first_ns for b in self.blocks), max(b.last_ns for b in self.blocks)
        since, until = self._since_ns, self._until_ns
        return first if since is None else max(first, since), last if until is None else min(last, until - 1)

    # -- reading -------------------------------------------------------------------------------------------------

    def exchanges(self, *, outcomes: bool = True) -> Iterator[Observation]:
        """Every observation, in the order in which they began; those that began at one time in the order of their
        connections, then as they were written. Without `outcomes` those and the verdicts are left out, which is
        faster."""
        return (recorded.observation for recorded in self.recorded(outcomes=outcomes))

    def recorded(self, *, outcomes: bool = True) -> Iterator[Recorded]:
        """As `exchanges`, with the time and the run of each. Connection numbers are unique within a run only."""
        return in_time(
            self.blocks,
            since_ns=self._since_ns,
            until_ns=self._until_ns,
            columns=EVERYTHING if outcomes else EXCHANGE_ONLY,
            on_damage=self._on_damage,
        )

    def messages(self, *, idle_s: float = 60.0) -> Iterator[Message]:
        """What a capture of the same traffic would give a replay, see `record.messages`."""
        return messages(self.recorded(outcomes=False), idle_ns=int(idle_s * 1e9))

    # -- opening -------------------------------------------------------------------------------------------------

    def _finished(self) -> Iterator[Path]:
        return layout.hours(self.root, self._since_ns, self._until_ns)

    def _open_journals(self) -> Iterator[JournalReader]:
        for path in layout.journals(self.root):
            try:
                yield JournalReader(path, self._key)
            except FileNotFoundError:
                continue
            except JournalError as error:
                if "schema" in str(error) or "key" in str(error):
                    raise RunError(f"{path}: {error}") from None
                self._problem(path, str(error))
            except OSError as error:
                self._problem(path, error.strerror or str(error))

    def _of_journal(self, journal: JournalReader) -> list[Block]:
        try:
            return journal_blocks(journal)
        except JournalError as error:
            if "key" in str(error):
                raise RunError(f"{journal.path}: {error}") from None
            self._problem(journal.path, str(error))
            return []

    def _of_file(self, path: Path) -> list[Block]:
        try:
            encrypted = _is_encrypted(path)
            if encrypted and self._key is None:
                raise RunError(f"{path}: it is encrypted; give its key with --recording-key")
            footer = read_footer(path, self._key if encrypted else None)
        except FileNotFoundError:
            return []  # the quota was faster
        except (OSError, pa.ArrowException) as error:
            self._refused += "decrypt" in str(error).lower()
            self._problem(path, f"damaged: {_one_line(error)}")
            return []
        version = version_of(footer.metadata)
        if version is None:
            self._problem(path, "it is no file of a recording")
            return []
        if version != VERSION:
            raise RunError(
                f"{path}: it has version {version} of the schema, and this shadowtap knows {VERSION}; "
                "use the release that wrote it, or a later one"
            )
        self.files.append(path)
        self.encrypted += [path] * encrypted
        self.masked = self.masked or footer.metadata.get(MASKED_KEY) == b"yes"
        run = footer.metadata.get(RUN_KEY, b"").decode(errors="replace")
        return file_blocks(path, footer, run, self._key if encrypted else None)

    def _is_wanted(self, block: Block) -> bool:
        since, until = self._since_ns, self._until_ns
        return (since is None or block.last_ns >= since) and (until is None or block.first_ns < until)

    def _check(self) -> None:
        if self._refused and not self.files:
            raise RunError(f"recording:{self.root}: the key does not fit")
        if not self.blocks and not self.problems and self._since_ns is None and self._until_ns is None:
            raise RunError(f"recording:{self.root}: there are no exchanges in it")

    def _on_damage(self, block: Block, error: Exception) -> None:
        self.skipped_rows += block.rows
        self._problem(block.path, f"damaged, {block.rows} exchanges left out: {_one_line(error)}")

    def _problem(self, path: Path, text: str) -> None:
        self.problems.append(f"{path}: {text}")
        self._notify(self.problems[-1])


def _is_encrypted(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(4) == b"PARE"


def _one_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
