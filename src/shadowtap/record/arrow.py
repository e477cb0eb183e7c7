"""pyarrow, or one line that says how to get it: it belongs to the extra `record`."""

from shadowtap.errors import UsageError

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError:
    raise UsageError('recordings need pyarrow; install it: pip install "shadowtap[record]"') from None

__all__ = ["keep_memory", "pa", "pq"]


def keep_memory() -> None:
    """Have Arrow take its memory as the rest of this process does, from now on. Its own allocator gives memory back
    between batches, and the kernel clears two megabytes at a time for the next one: a sixth of the writer's time."""
    pa.set_memory_pool(pa.system_memory_pool())
