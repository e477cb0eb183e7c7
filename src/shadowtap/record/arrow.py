"""pyarrow, or one line that says how to get it: it belongs to the extra `record`."""

from shadowtap.errors import UsageError

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError:
    raise UsageError('recordings need pyarrow; install it: pip install "shadowtap[record]"') from None

POOL = pa.system_memory_pool()
"""Where large buffers are taken from. Arrow's own allocator gives memory back to the system between batches, and has
the kernel clear it again for the next one: a tenth of the writer's time."""

__all__ = ["POOL", "pa", "pq"]
