"""Settings of a run: plain values with defaults, from the command line and one TOML file.

Comes in: text. Goes out: `Settings`, checked, or a UsageError that names the file, the key and what is expected.
Refuses to know: what the settings do.
"""

from shadowtap.config.addresses import Target, parse_listen, parse_target
from shadowtap.config.hooks import HookSettings
from shadowtap.config.mask import MaskSettings
from shadowtap.config.rewrite import RewriteSettings
from shadowtap.config.settings import (
    MIB,
    FlowSettings,
    HealthSettings,
    HttpSettings,
    Settings,
    TargetSettings,
)
from shadowtap.config.sinks import SinkSettings
from shadowtap.config.transform import TransformSettings

__all__ = [
    "MIB",
    "FlowSettings",
    "HealthSettings",
    "HookSettings",
    "HttpSettings",
    "MaskSettings",
    "RewriteSettings",
    "Settings",
    "SinkSettings",
    "Target",
    "TargetSettings",
    "TransformSettings",
    "parse_listen",
    "parse_target",
]
