"""Sources by URL: what a user writes becomes a checked spec, and a spec becomes an open source.

    vxlan://HOST:PORT?vni=7,9&from=10.0.0.0/8&port=80     mirrored packets in VXLAN, from these networks
    geneve://HOST:PORT?…                                  the same in GENEVE, behind a Gateway Load Balancer
    iface://NAME?port=80,8080                             an interface of this machine; `any`: all of them
    pcap:FILE, pcap:-                                     a capture file; a pipe

`parse_source` is pure and touches nothing, so that a configuration can be checked anywhere. VNIs and ports are
wishes about the inner packets: they are only read here, and whoever joins a source to decapsulation hands them
over.
"""

import os
import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote

from shadowtap.capture import FileSource, LiveSource
from shadowtap.errors import UsageError
from shadowtap.events import Link

if TYPE_CHECKING:
    from shadowtap.capture.senders import Network

EXAMPLES: Final = (
    "vxlan://0.0.0.0:4789?vni=7, geneve://0.0.0.0:6081, iface://eth0?port=80, pcap:FILE, pcap:-, "
    "recording:DIR or gor:FILE"
)

_LINKS: Final = {"vxlan": Link.VXLAN, "geneve": Link.GENEVE}
_DEFAULT_PORTS: Final = {"vxlan": 4789, "geneve": 6081}
_MAX_VNI: Final = (1 << 24) - 1
_MAX_PORT: Final = 65_535
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_ADDRESS: Final = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*))(?::([0-9]*))?")

_Query = dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class UdpSpec:
    """A VXLAN or GENEVE socket. Empty `senders`, `vnis`, `ports`: all."""

    url: str
    link: Link
    host: str
    port: int
    senders: "tuple[Network, ...]" = ()
    vnis: frozenset[int] = frozenset()
    ports: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceSpec:
    """A network interface. Empty `ports`: all."""

    url: str
    interface: str
    vnis: frozenset[int] = frozenset()
    ports: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSpec:
    """A capture file; `-` is standard input. Its name is taken as it is, so it has no options."""

    url: str
    path: str
    vnis: frozenset[int] = frozenset()
    ports: frozenset[int] = frozenset()


SourceSpec = UdpSpec | InterfaceSpec | FileSpec


def parse_source(url: str) -> SourceSpec:
    """What a URL says. Raises UsageError, whose text says what is expected."""
    found = _SCHEME.fullmatch(url)
    if not found:
        raise UsageError(f'"{url}" is no source; {_suggestion(url)}')
    scheme, rest = found[1].lower(), found[2]
    if scheme == "pcap":
        return _file(url, rest)
    if scheme in _LINKS:
        return _udp(url, scheme, rest)
    if scheme == "iface":
        return _interface(url, rest)
    raise UsageError(f'"{url}": there is no kind of source "{scheme}:"; write {EXAMPLES}')


def open_source(spec: SourceSpec) -> LiveSource | FileSource:
    """The source that a spec describes, ready to give packets, named as it was written. Raises RunError. Only the
    modules of its kind are loaded."""
    match spec:
        case UdpSpec():
            from shadowtap.capture.udp import UdpSource  # noqa: PLC0415

            return UdpSource(
                name=spec.url, link=spec.link, host=spec.host, port=spec.port, senders=spec.senders
            )
        case InterfaceSpec():
            from shadowtap.capture.interface import InterfaceSource  # noqa: PLC0415

            return InterfaceSource(name=spec.url, interface=spec.interface, ports=spec.ports)
        case FileSpec():
            from shadowtap.capture.capture_file import CaptureFile  # noqa: PLC0415

            return CaptureFile(name=spec.url, path=spec.path)


def _file(url: str, path: str) -> FileSpec:
    if not path or "\0" in path:
        raise UsageError(f'"{url}" names no file; write pcap:FILE, or pcap:- for a pipe')
    return FileSpec(url=url, path=path)


def _udp(url: str, scheme: str, rest: str) -> UdpSpec:
    example = f"{scheme}://0.0.0.0:{_DEFAULT_PORTS[scheme]}?vni=7&from=10.0.0.0/8"
    address, query = _split(url, rest, example)
    _only(query, ("vni", "from", "port"), example)
    host, port = _listening(url, address, example)
    senders = tuple(_network(text) for text in _list(query, "from"))
    _check_families(host, senders)
    return UdpSpec(
        url=url,
        link=_LINKS[scheme],
        host=host or "0.0.0.0",
        port=_DEFAULT_PORTS[scheme] if port is None else port,
        senders=senders,
        vnis=_numbers(query, "vni", 0, _MAX_VNI),
        ports=_numbers(query, "port", 1, _MAX_PORT),
    )


def _interface(url: str, rest: str) -> InterfaceSpec:
    example = "iface://eth0?port=80,8080"
    name, query = _split(url, rest, example)
    _only(query, ("port",), example)
    name = unquote(name)
    if not name or "\0" in name:
        raise UsageError(f'"{url}" names no interface; write {example}, or iface://any for all')
    before, colon, port = name.partition(":")
    if colon and port.isdecimal():
        raise UsageError(f'"{url}": ports are an option; write iface://{before}?port={port}')
    return InterfaceSpec(url=url, interface=name, ports=_numbers(query, "port", 1, _MAX_PORT))


def _split(url: str, rest: str, example: str) -> tuple[str, _Query]:
    """The address and the options of a URL, behind its scheme."""
    if not rest.startswith("//"):
        raise UsageError(f'"{url}" lacks the two slashes; write {example}')
    rest, hash_mark, _ = rest.removeprefix("//").partition("#")
    address, _, text = rest.partition("?")
    address, slash, path = address.partition("/")
    if hash_mark or (slash and path):
        raise UsageError(f'"{url}" has more than an address and options; write {example}')
    query: _Query = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    return address, query


def _listening(url: str, address: str, example: str) -> tuple[str, int | None]:
    found = _ADDRESS.fullmatch(address)
    if not found:
        hint = (
            f"put brackets around an IPv6 address, [{address}]"
            if address.count(":") > 1
            else f"write {example}"
        )
        raise UsageError(f'"{url}": "{address}" is no HOST:PORT; {hint}')
    bracketed, plain, digits = found.groups()
    if bracketed is not None and not _is_address(bracketed, 6):
        raise UsageError(f'"{url}": "{bracketed}" is no IPv6 address; write [::] for all addresses')
    host = unquote(plain) if bracketed is None else bracketed
    if not digits:
        return host, None
    if not 1 <= int(digits[:6]) <= _MAX_PORT:
        raise UsageError(f'"{url}": a port is a number from 1 to {_MAX_PORT}, not {digits}')
    return host, int(digits)


def _only(query: _Query, allowed: tuple[str, ...], example: str) -> None:
    for name in query:
        if name not in allowed:
            raise UsageError(
                f'unknown option "{name}"; there are: {", ".join(allowed)}; for example {example}'
            )


def _list(query: _Query, name: str) -> list[str]:
    texts = [text.strip() for value in query.get(name, []) for text in value.split(",")]
    if "" in texts:
        raise UsageError(f'option "{name}" lacks a value; separate several by commas')
    return texts


def _numbers(query: _Query, name: str, low: int, high: int) -> frozenset[int]:
    texts = _list(query, name)
    for text in texts:
        if not re.fullmatch("[0-9]{1,8}", text) or not low <= int(text) <= high:
            raise UsageError(f'option "{name}": expected numbers from {low} to {high}, not "{text}"')
    return frozenset(int(text) for text in texts)


def _network(text: str) -> "Network":
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        meant = ip_network(text, strict=False)
    except ValueError:
        raise UsageError(
            f'option "from": "{text}" is no network; write one as 10.0.0.0/8 or fd00::/8'
        ) from None
    raise UsageError(f'option "from": "{text}" has bits behind its prefix; write {meant}')


def _check_families(host: str, senders: "tuple[Network, ...]") -> None:
    if _is_address(host, 4) or not host:
        for network in senders:
            if network.version == 6:
                raise UsageError(
                    f'option "from": {network} can never match: {host or "0.0.0.0"} receives IPv4 only, '
                    "[::] receives both"
                )


def _is_address(text: str, version: int) -> bool:
    try:
        return ip_address(text).version == version
    except ValueError:
        return False


def _suggestion(text: str) -> str:
    if re.search(r"\.(?:pcap|pcapng|cap)(?:\.gz|\.zst)?$", text):
        return f"for a capture file write pcap:{text}"
    if re.search(r"\.gor(?:\.gz)?$", text):
        return f"for a file of GoReplay write gor:{text}"
    if os.path.isdir(text):
        return f"for a recording write recording:{text}"
    return f"write {EXAMPLES}"
