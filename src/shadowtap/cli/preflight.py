"""What can be tested before a run without sending a request: sources open, targets accept a connection.

Each test gives findings: `ok`, a `warning` (the run would work, but), or a `problem` (the run would not).
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Iterator
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from shadowtap.capture import FileSource
from shadowtap.capture.sources import FileSpec, UdpSpec, open_source
from shadowtap.config import Settings, SinkSettings, TargetSettings
from shadowtap.config.sources import StoredSpec, parse
from shadowtap.errors import RunError, UsageError
from shadowtap.stored import open_stored

CONNECT_S = 5.0
_LOCAL_ONLY = "only this machine reaches it, so no load balancer does"


class Grade(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(NamedTuple):
    """One line of the list."""

    grade: Grade
    what: str
    text: str


def preflight(settings: Settings) -> Iterator[Finding]:
    """Test everything, one after the other."""
    listening = {spec.port for spec in map(parse, settings.sources) if isinstance(spec, UdpSpec)}
    for url in settings.sources:
        yield from source(url, settings.recording_key)
    for target in settings.targets:
        yield from asyncio.run(_target(target, listening))
    for sink in settings.sinks:
        yield _sink(sink)
    yield from _status(settings)
    yield from _ambitions(settings)


def source(url: str, key_file: str | None = None) -> list[Finding]:
    """Open a source as the run would, and close it again."""
    spec = parse(url)
    if isinstance(spec, FileSpec | StoredSpec) and spec.path == "-":
        return [Finding(Grade.OK, url, "is read when it is run")]
    if isinstance(spec, StoredSpec):
        try:
            open_stored(spec, key_file=key_file).close()
        except (RunError, UsageError) as error:
            return [Finding(Grade.PROBLEM, url, str(error).removeprefix(f"{url}: "))]
        return [Finding(Grade.OK, url, "can be read")]
    try:
        opened = open_source(spec)
    except RunError as error:
        return [Finding(Grade.PROBLEM, url, str(error).removeprefix(f"{url}: "))]
    try:
        warning: str | None = getattr(opened, "warning", None)
        text = "can be read" if isinstance(opened, FileSource) else "can be listened to"
    finally:
        opened.close()
    more = [Finding(Grade.WARNING, url, warning)] if warning else []
    if isinstance(spec, UdpSpec) and _is_loopback(spec.host):
        more.append(Finding(Grade.WARNING, url, "listens on loopback, where no mirror of AWS can send to"))
    return [Finding(Grade.OK, url, text), *more]


async def _target(target: TargetSettings, listening: set[int]) -> list[Finding]:
    """Connect to a target, and send nothing. `listening` are the ports where this run receives packets."""
    address = target.address
    if address.port in listening and _is_ours(address.host):
        return [
            _problem(target, "is where this run receives packets; name the server that gets the requests")
        ]
    try:
        context = _context(target) if address.tls else None
    except OSError as error:
        return [
            _problem(target, f"{target.ca_file}: {error.strerror or error}; name a file of PEM certificates")
        ]
    try:
        async with asyncio.timeout(min(target.connect_timeout_s, CONNECT_S)):
            _, writer = await asyncio.open_connection(address.host, address.port, ssl=context)
    except ssl.SSLCertVerificationError as error:
        return [_problem(target, f"{error.verify_message}; give its authority with ca_file, or verify=no")]
    except ssl.SSLError as error:
        return [_problem(target, f"does not speak TLS there ({error.reason}); is it http://?")]
    except socket.gaierror:
        return [_problem(target, f"no address is known for {address.host}; check the name and the resolver")]
    except TimeoutError:
        return [_problem(target, "does not answer; check routes and security groups")]
    except OSError as error:
        return [_problem(target, f"{_why(error)}; is it running, and is the port right?")]
    peer = writer.get_extra_info("peername")[0]
    writer.close()
    found = [Finding(Grade.OK, target.url, f"accepts connections ({peer})")]
    if address.tls and not target.verify:
        found.append(Finding(Grade.WARNING, target.url, "its certificate is not verified"))
    return found


def _sink(sink: SinkSettings) -> Finding:
    """Whether it looks as if a sink could be written. Nothing is made."""
    if sink.path == "-":
        return Finding(Grade.OK, sink.url, "is written to standard output")
    path, is_folder = Path(sink.path), sink.kind == "recording"
    if path.exists() and path.is_dir() != is_folder and (is_folder or path.is_dir()):
        what = "is a file; name a folder" if is_folder else "is a folder; name a file in it"
        return Finding(Grade.PROBLEM, sink.url, what)
    there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if not os.access(there, os.W_OK):
        return Finding(Grade.PROBLEM, sink.url, f"{there} cannot be written; name another place, or allow it")
    if sink.key is not None:
        try:
            _read_key(sink.key)
        except (RunError, UsageError) as error:
            return Finding(Grade.PROBLEM, sink.url, str(error))
    return Finding(Grade.OK, sink.url, "can be written")


def _read_key(path: str) -> None:
    from shadowtap.record import read_key  # noqa: PLC0415  it needs the extra

    read_key(path)


def _context(target: TargetSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=target.ca_file)
    if not target.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _status(settings: Settings) -> Iterator[Finding]:
    address = settings.status_address
    if address is None:
        return
    what = f"status port {settings.status}"
    try:
        family = socket.getaddrinfo(*address, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        with socket.create_server(address, family=family):
            pass
    except OSError as error:
        yield Finding(Grade.PROBLEM, what, f"{_why(error)}; choose another with --status")
        return
    yield Finding(Grade.OK, what, "can be served")
    if _is_loopback(address[0]):
        yield Finding(Grade.WARNING, what, _LOCAL_ONLY)


def _ambitions(settings: Settings) -> Iterator[Finding]:
    """Settings that ask for trouble, each with its name."""
    if settings.allow_production_target:
        yield Finding(Grade.WARNING, "allow_production_target", "nothing keeps replays away from production")
    if settings.replay_ambiguous:
        yield Finding(
            Grade.WARNING, "replay_ambiguous", "requests that may be smuggling attempts are replayed"
        )


def _problem(target: TargetSettings, text: str) -> Finding:
    return Finding(Grade.PROBLEM, target.url, text)


def _why(error: OSError) -> str:
    """What the system says, without the addresses that asyncio adds."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    known = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
    return (known or str(error)).lower()


def _is_ours(host: str) -> bool:
    """Whether it is an address of this machine: only those can be bound to."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind(address)
    except OSError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
