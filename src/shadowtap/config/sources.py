"""Sources by URL: those of packets (`capture.sources`), and those that hold messages already.

recording:DIR       a recording          (docs/recording.md)
gor:FILE, gor:-     GoReplay's format    (docs/formats.md); FILE may be a pattern such as requests_*.gor
"""

from dataclasses import dataclass

from shadowtap.capture.sources import FileSpec, SourceSpec, parse_source
from shadowtap.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSpec:
    """Messages that were kept before. `kind` is `recording` or `gor`."""

    url: str
    kind: str
    path: str


Spec = SourceSpec | StoredSpec
_KINDS = {"recording": "recording:DIR", "gor": "gor:FILE, or gor:- for a pipe"}


def parse(url: str) -> Spec:
    """What a URL says. Raises UsageError, whose text says what is expected."""
    kind, colon, path = url.partition(":")
    kind = kind.lower()
    if not colon or kind not in _KINDS:
        return parse_source(url)
    if not path or "\0" in path or (kind == "recording" and path == "-"):
        raise UsageError(f'"{url}" names nothing that can be read; write {_KINDS[kind]}')
    return StoredSpec(url=url, kind=kind, path=path)


def can_be_read_again(spec: Spec) -> bool:
    """Whether it is no pipe and nothing live."""
    return isinstance(spec, StoredSpec | FileSpec) and spec.path != "-"
