"""The limits of the pure stages, apart from all other settings, so that who only reads a source loads no more."""

import msgspec

from shadowtap.config.kinds import Count, Seconds, Size, Wait

MIB = 1 << 20


def key(field: str) -> str:
    """The name of a field in the configuration file."""
    return field[:-6] + "_size" if field.endswith("_bytes") else field.removesuffix("_s")


class FlowSettings(msgspec.Struct, frozen=True, kw_only=True, rename=key):
    """Limits of the stream reassembly."""

    reorder_window_s: Wait = 0.1
    idle_s: Seconds = 300.0
    connections: Count = 200_000
    buffer_bytes: Size = 128 * MIB


class HttpSettings(msgspec.Struct, frozen=True, kw_only=True, rename=key):
    """Limits of the HTTP reader."""

    head_bytes: Size = 256 * 1024
    body_bytes: Size = 64 * MIB
