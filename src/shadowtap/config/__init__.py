"""Settings of a run: plain values with defaults, from the command line and one TOML file.

Comes in: text. Goes out: `Settings`, checked, or a UsageError that names the file, the key and what is expected.
Refuses to know: what the settings do.
"""

from shadowtap.config.addresses import Target, parse_listen, parse_target
from shadowtap.config.settings import (
    MIB,
    FlowSettings,
    HealthSettings,
    HttpSettings,
    Settings,
    TargetSettings,
)

__all__ = [
    "MIB",
    "FlowSettings",
    "HealthSettings",
    "HttpSettings",
    "Settings",
    "Target",
    "TargetSettings",
    "parse_listen",
    "parse_target",
]
