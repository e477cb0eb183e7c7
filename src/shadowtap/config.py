"""Settings of a run: plain values with defaults, from the command line and one TOML file."""

import msgspec

MIB = 1 << 20


class TargetSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One environment that receives the requests."""

    url: str
    keep_host: bool = False
    pool: int = 0
    """0: one connection of its own per production connection; N: N connections shared by all."""
    timeout_s: float = 30.0
    connect_timeout_s: float = 5.0
    in_flight: int = 10_000
    queue: int = 20_000
    queue_bytes: int = 128 * MIB
    verify: bool = True
    ca_file: str | None = None


class FlowSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the stream reassembly."""

    reorder_window_s: float = 0.1
    idle_s: float = 300.0
    connections: int = 200_000
    buffer_bytes: int = 128 * MIB


class HttpSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the HTTP reader."""

    head_bytes: int = 256 * 1024
    body_bytes: int = 64 * MIB


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `shadowtap run` needs."""

    sources: tuple[str, ...] = ()
    targets: tuple[TargetSettings, ...] = ()
    ports: tuple[int, ...] = ()
    flows: FlowSettings = FlowSettings()
    http: HttpSettings = HttpSettings()
    replay_ambiguous: bool = False
    allow_production_target: bool = False
    status: str | None = None
    """HOST:PORT of /metrics and /healthz; None: no status port."""
    summary: str | None = None
    grace_s: float = 5.0
