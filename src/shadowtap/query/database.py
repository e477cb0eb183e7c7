"""DuckDB over one recording, locked: views and functions, and no file, network or setting beside them.

Finished files are read by DuckDB itself, in parallel and only the columns asked for. DuckDB cannot read nested
columns of encrypted files (as of 2.0), so those come through pyarrow. Rows that are still in journals are copied at
the start: a query sees the recording as it was then.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Self

from shadowtap.errors import RunError, UsageError
from shadowtap.query.engine import duckdb, pa
from shadowtap.query.functions import Templates, content, header
from shadowtap.query.views import VIEWS
from shadowtap.record import Recording, RecordingKey
from shadowtap.record.schema import SCHEMA

BATCH_ROWS = 1024
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "temp_directory": "",
}
_REFUSED = (
    "COPY",
    "EXPORT",
    "ATTACH",
    "DETACH",
    "LOAD",
    "SET",
    "VARIABLE_SET",
    "PRAGMA",
    "VACUUM",
    "CHECKPOINT",
)
Row = tuple[Any, ...]


class Answer:
    """The rows of a query, as they come: `columns` are their names, `kinds` the Arrow types' names. Iterating raises
    UsageError where the SQL fails on a value."""

    def __init__(self, reader: Any) -> None:
        self.columns: list[str] = reader.schema.names
        self.kinds: list[str] = [str(field.type) for field in reader.schema]
        self._reader = reader

    def __iter__(self) -> Iterator[Row]:
        try:
            for batch in self._reader:
                yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
        except (OSError, pa.ArrowException, duckdb.Error) as error:
            raise UsageError(_one_line(error)) from None


class Database:
    """The views of `query.views` over a recording. Raises what `Recording` raises."""

    def __init__(self, recording: Recording, *, key: RecordingKey | None = None) -> None:
        self.recording = recording
        self._key = key
        self._connection = duckdb.connect(":memory:", config=_SETTINGS)
        self._connection.execute("SET TimeZone = 'UTC'")
        self._register()

    def ask(self, sql: str) -> Answer | None:
        """Run one statement or several; the rows of the last, or None where it gives none. Raises UsageError."""
        try:
            for statement in duckdb.extract_statements(sql):
                self._refuse(statement)
            relation = self._connection.sql(sql)
            return None if relation is None else Answer(relation.to_arrow_reader(BATCH_ROWS))
        except (OSError, pa.ArrowException, duckdb.Error) as error:
            raise UsageError(_one_line(error)) from None

    def columns(self, view: str) -> list[tuple[str, str]]:
        """Names and types of a view's columns."""
        answer = self.ask(f"SELECT column_name, column_type FROM (DESCRIBE {view})")  # noqa: S608  a name of ours
        return [(str(name), str(kind)) for name, kind in answer or ()]

    # -- building ------------------------------------------------------------------------------------------------

    def _register(self) -> None:
        connection, files = self._connection, [str(path) for path in self.recording.files]
        encrypted = {str(path) for path in self.recording.encrypted}
        plain = [path for path in files if path not in encrypted]
        sources = ["SELECT * FROM _journals"]
        connection.register("_journals", self._open_rows())
        if encrypted:
            connection.register("_encrypted", _dataset(sorted(encrypted), self._key))
            sources.append("SELECT * FROM _encrypted")
        if plain:
            listed = ", ".join("'" + path.replace("'", "''") + "'" for path in plain)
            how = "union_by_name = true, hive_partitioning = false"
            sources.append(f"SELECT * FROM read_parquet([{listed}], {how})")  # noqa: S608  quoted above
            connection.execute(f"SET allowed_paths = [{listed}]")
        connection.execute("CREATE VIEW recorded AS " + " UNION ALL BY NAME ".join(sources))
        self._add_functions()
        for view in VIEWS:
            connection.execute(f"CREATE VIEW {view.name} AS {view.sql}")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")

    def _open_rows(self) -> Any:
        tables = [block.read(SCHEMA.names) for block in self.recording.open_blocks]
        return pa.concat_tables([SCHEMA.empty_table(), *tables], promote_options="default")

    def _add_functions(self) -> None:
        add = self._connection.create_function
        templates = Templates(self._paths)
        how: dict[str, Any] = {"type": "arrow", "null_handling": "special"}
        add("endpoint", templates, ["VARCHAR", "VARCHAR"], "VARCHAR", **how)
        add("header", header, ["BLOB", "VARCHAR"], "VARCHAR", **how)
        add("content", content, ["BLOB", "BLOB"], "VARCHAR", **how)

    def _paths(self) -> Iterator[tuple[str, int]]:
        """Every path with how often it was met, block by block."""
        for block in self.recording.blocks:
            try:
                paths = block.read(["path"]).column("path").drop_null()
            except (OSError, pa.ArrowException):
                continue  # the query itself will meet it
            yield from Counter(paths.to_pylist()).items()

    def _refuse(self, statement: Any) -> None:
        kind = statement.type.name
        if kind in _REFUSED or (kind == "EXPLAIN" and "copy" in statement.query.lower()):
            raise UsageError(f"{kind} is not for queries, which only read; write an answer with -o FILE")

    # -- the end -------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of everything."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _dataset(paths: list[str], key: RecordingKey | None) -> Any:
    from pyarrow import dataset  # noqa: PLC0415  slow to import, and seldom needed

    if key is None:
        raise RunError("the recording is encrypted; give its key with --recording-key")
    options = dataset.ParquetFragmentScanOptions(decryption_properties=key.decryption())
    form = dataset.ParquetFileFormat(default_fragment_scan_options=options)
    return dataset.dataset(paths, schema=SCHEMA, format=form)


def _one_line(error: Exception) -> str:
    """What DuckDB says, without the line of SQL it shows below."""
    said = str(error).partition("\n\nLINE")[0]
    return " ".join(said.split())
