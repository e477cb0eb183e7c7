"""Settings of a run: plain values with defaults, from the command line and one TOML file.

Comes in: text. Goes out: `Settings`, checked, or a UsageError that names the file, the key and what is expected.
Refuses to know: what the settings do. These names load what they need on first use, so that commands which need no
settings start quickly.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shadowtap.config.addresses import Target, parse_listen, parse_target
    from shadowtap.config.compare import CompareSettings
    from shadowtap.config.hooks import HookSettings
    from shadowtap.config.limits import MIB, FlowSettings, HttpSettings
    from shadowtap.config.mask import MaskSettings
    from shadowtap.config.rewrite import RewriteSettings
    from shadowtap.config.settings import HealthSettings, Settings, TargetSettings
    from shadowtap.config.sinks import SinkSettings
    from shadowtap.config.transform import TransformSettings

__all__ = [
    "MIB",
    "CompareSettings",
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

_HOMES = {
    "Target": "addresses",
    "parse_listen": "addresses",
    "parse_target": "addresses",
    "CompareSettings": "compare",
    "HookSettings": "hooks",
    "MIB": "limits",
    "FlowSettings": "limits",
    "HttpSettings": "limits",
    "MaskSettings": "mask",
    "RewriteSettings": "rewrite",
    "SinkSettings": "sinks",
    "TransformSettings": "transform",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'shadowtap.config' has no attribute '{name}'")
    return getattr(importlib.import_module(f"shadowtap.config.{_HOMES.get(name, 'settings')}"), name)
