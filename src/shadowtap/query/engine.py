"""DuckDB and pyarrow, or one line that says how to get them: they belong to the extra `query`."""

from shadowtap.errors import UsageError

try:
    import duckdb
    import pyarrow as pa
except ImportError:
    raise UsageError(
        'queries need duckdb and pyarrow; install them: pip install "shadowtap[query]"'
    ) from None

__all__ = ["duckdb", "pa"]
