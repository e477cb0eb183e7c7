"""record: what became of every request, kept as Parquet files that DuckDB, pandas, polars, Spark and Athena read.

    Observation ─► Recorder (queue, thread) ─► Store (segments by hour) ─► date=2026-11-23/hour=14/….parquet
    Parquet files, open journals ─► Recording ─► Observation | Request, Exchange, Ended

In comes one `Observation` per request; out come files, and from files the same observations again. Capture never
waits: `Recorder.offer` puts into a bounded queue and says whether there was room. It refuses to know targets, rules
and what masking means: whoever opens it hands over a function that masks. docs/recording.md has the format.
"""

from shadowtap.record.counters import RecordCounters
from shadowtap.record.key import RecordingKey, read_key
from shadowtap.record.recorder import Recorder
from shadowtap.record.recording import Recording
from shadowtap.record.store import StoreOptions

__all__ = ["RecordCounters", "Recorder", "Recording", "RecordingKey", "StoreOptions", "read_key"]
