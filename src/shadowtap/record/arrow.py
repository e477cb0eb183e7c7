"""pyarrow, or one line that says how to get it: it belongs to the extra `record`."""

from shadowtap.errors import UsageError

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError:
    raise UsageError('recordings need pyarrow; install it: pip install "shadowtap[record]"') from None

__all__ = ["pa", "pq"]
