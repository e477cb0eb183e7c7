"""Everything a run can be told, as plain values with defaults.

Field names carry their unit (`idle_s`, `buffer_bytes`). In the TOML file and in a target's URL the unit stands with
the value instead: `idle = "5m"`, `buffer_size = "128MiB"`. docs/configuration.md describes every one of them.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from shadowtap.config.addresses import LOOPBACK, Target, parse_listen, parse_target
from shadowtap.config.compare import CompareSettings
from shadowtap.config.hooks import HookSettings
from shadowtap.config.kinds import Count, Port, Seconds, Share, Size, Switch, Text, Wait, Whole
from shadowtap.config.limits import MIB, FlowSettings, HttpSettings, key
from shadowtap.config.mask import MaskSettings
from shadowtap.config.rates import Rate
from shadowtap.config.rewrite import RewriteSettings
from shadowtap.config.schedule import ScheduleSettings
from shadowtap.config.sessions import SessionSettings
from shadowtap.config.sinks import SinkSettings
from shadowtap.config.transform import TransformSettings

Leg = Annotated[str, Meta(pattern="^(front|back)$", description="front or back")]


class TargetSettings(msgspec.Struct, frozen=True, kw_only=True, rename=key):
    """One environment that receives the requests. `url` is scheme://host or scheme://host:port, no more."""

    url: Text
    keep_host: Switch = False
    pool: Whole = 0
    """0: one connection of its own per production connection; N: N connections shared by all."""
    timeout_s: Seconds = 30.0
    connect_timeout_s: Seconds = 5.0
    in_flight: Count = 10_000
    queue: Count = 20_000
    queue_bytes: Size = 128 * MIB
    rate: Rate | None = None
    """Requests a second that it gets at most; None: all."""
    verify: Switch = True
    ca_file: Text | None = None

    @property
    def address(self) -> Target:
        """Scheme, host and port."""
        return parse_target(self.url)


class HealthSettings(msgspec.Struct, frozen=True, kw_only=True, rename=key):
    """When /healthz turns red: after `windows` windows in a row that each lost more than the share `loss`."""

    window_s: Seconds = 10.0
    windows: Count = 3
    loss: Share = 0.01


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename=key):
    """Everything `shadowtap run` needs."""

    sources: tuple[str, ...] = ()
    targets: tuple[TargetSettings, ...] = ()
    sinks: tuple[SinkSettings, ...] = ()
    ports: tuple[Port, ...] = ()
    """Ports that servers listen on; none: HTTP is recognised by content on any port."""
    flows: FlowSettings = FlowSettings()
    http: HttpSettings = HttpSettings()
    health: HealthSettings = HealthSettings()
    transform: TransformSettings = TransformSettings()
    rewrite: tuple[RewriteSettings, ...] = ()
    mask: MaskSettings = MaskSettings()
    hooks: HookSettings = HookSettings()
    compare: CompareSettings = CompareSettings()
    sessions: SessionSettings = SessionSettings()
    legs: Leg | None = None
    """Which leg of a load balancer is replayed, where both are mirrored; None: both, as they are."""
    dry_run: Switch = False
    """Show what would be sent, and send nothing."""
    keep_secrets: Switch = False
    """Do not mask what a dry run shows."""
    recording_key: Text | None = None
    """A file with the key of encrypted recordings that are read, or written without a key of their own."""
    schedule: ScheduleSettings | None = None
    """How kept traffic is sent again; None: at once, as fast as targets take it."""
    replay_ambiguous: Switch = False
    allow_production_target: Switch = False
    status: Text | None = None
    """HOST:PORT of /metrics and /healthz; None: no status port."""
    summary: Text | None = None
    report: Text | None = None
    """An HTML page of the run is written there at the end."""
    ui: Text | None = None
    """HOST:PORT, or PORT on loopback, of a page of the run as it goes on; None: no such page."""
    grace_s: Wait = 5.0
    duration_s: Seconds | None = None
    """Stop by itself after this long; None: when interrupted, or when the sources end."""

    @property
    def rebinds(self) -> bool:
        """Whether sessions are re-bound: it was said, or answers are compared and nothing was said."""
        rebind = self.sessions.rebind
        return self.compare.wanted if rebind is None else rebind

    @property
    def status_address(self) -> tuple[str, int] | None:
        """Where /metrics and /healthz are served."""
        return None if self.status is None else parse_listen(self.status)

    @property
    def ui_address(self) -> tuple[str, int] | None:
        """Where the page is served."""
        return None if self.ui is None else parse_listen(self.ui, host=LOOPBACK)
