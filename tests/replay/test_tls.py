"""https targets: whose certificates are believed, and what happens when the other side speaks something else."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from replay.peer import OK, Peer, in_turn, live, serving, until
from replay.ports import free_port
from replay.rig import aiming, get, post
from replay.web import nginx
from shadowtap.errors import RunError


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Path:
    """A directory with an authority (ca.pem) and certificates: good.pem, other.pem (its name) and self.pem."""
    if shutil.which("openssl") is None:
        pytest.skip("not installed: openssl; apt-get install -y openssl")
    directory = tmp_path_factory.mktemp("certificates")

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True)

    new = (
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    )
    openssl(*new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority")
    issued = ("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "basicConstraints=critical,CA:false")
    for name, alternative, more in (
        ("good", "DNS:localhost,IP:127.0.0.1", issued),
        ("other", "DNS:other.example", issued),
        ("self", "DNS:localhost", ()),
    ):
        names = ("-subj", f"/CN={name}", "-addext", f"subjectAltName={alternative}")
        openssl(*new, *more, "-keyout", f"{name}.key", "-out", f"{name}.crt", *names)
        (directory / f"{name}.pem").write_bytes(
            (directory / f"{name}.key").read_bytes() + (directory / f"{name}.crt").read_bytes()
        )
    return directory


def server_side(certificates: Path, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / f"{name}.pem")
    return context


def client_side(certificates: Path, *, verify: bool = True) -> ssl.SSLContext:
    """As the runner makes it from a target's settings."""
    context = ssl.create_default_context(cafile=certificates / "ca.pem")
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@live
async def test_a_good_certificate(certificates, host):
    async with (
        serving(tls=server_side(certificates, "good")) as server,
        aiming(server.port, host=host, tls=client_side(certificates)) as rig,
    ):
        await rig.target.try_connection()
        body = bytes(range(256)) * 2000
        await rig.replay(get("/1"), post("/2", body, index=1), get("/3", index=2))
        assert rig.statuses == ["200"] * 3
        assert rig.account.connections_opened == 1
        assert server.requests[1].endswith(body)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("other", "Hostname mismatch"), ("self", "self.signed certificate")],
)
@live
async def test_a_certificate_that_is_not_believed(certificates, name, reason):
    async with serving(tls=server_side(certificates, name)) as server:
        async with aiming(server.port, host="localhost", tls=client_side(certificates)) as rig:
            with pytest.raises(RunError, match=f"cannot be reached: TLS: .*{reason}"):
                await rig.target.try_connection()
            await rig.replay(*(get("/", n) for n in range(20)))
            assert rig.failures == {"tls": 10, "breaker_open": 10}
            assert server.requests == []
            (notice,) = rig.notices
            assert "is down: TLS: " in notice
        async with aiming(server.port, host="localhost", tls=client_side(certificates, verify=False)) as rig:
            await rig.target.try_connection()
            await rig.replay(get("/"))
            assert rig.statuses == ["200"]


@live
async def test_a_plain_server_on_a_tls_target(certificates):
    async def refuse(peer):
        await peer._reader.read(10)
        peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        peer.close()

    async with serving(refuse) as server, aiming(server.port, tls=client_side(certificates)) as rig:
        with pytest.raises(RunError, match="cannot be reached: TLS: "):
            await rig.target.try_connection()
        await rig.replay(get("/", 1), get("/", 2))
        assert rig.statuses == ["tls", "tls"]


@live
async def test_a_server_that_never_shakes_hands(certificates):
    async with (
        serving(Peer.gone) as server,
        aiming(server.port, tls=client_side(certificates), connect_timeout_s=0.1) as rig,
    ):
        with pytest.raises(RunError, match="no connection within the time-out"):
            await rig.target.try_connection()
        await rig.replay(get("/", 1), get("/", 1, 1), get("/", 2))
        assert rig.statuses == ["connect"] * 3


@pytest.mark.parametrize("how", ["close", "reset"])
@live
async def test_a_server_that_breaks_off_the_handshake(certificates, how):
    async def script(peer):
        await peer._reader.read(10)
        getattr(peer, how)()

    async with serving(script) as server, aiming(server.port, tls=client_side(certificates)) as rig:
        await rig.replay(get("/", 1), get("/", 1, 1))
        assert rig.statuses == ["connect"] * 2


@live
async def test_a_tls_server_on_a_plain_target(certificates, tmp_path):
    async with serving(tls=server_side(certificates, "good")) as server, aiming(server.port) as rig:
        await rig.replay(get("/"))
        assert rig.statuses[0] in ("garbage", "closed", "reset")
    port = free_port()
    more = f"ssl_certificate {certificates}/good.pem; ssl_certificate_key {certificates}/good.key;"
    with nginx(tmp_path, free_port(), f"listen 127.0.0.1:{port} ssl; {more}"):
        async with aiming(port) as rig:
            await rig.replay(get("/"))
            assert rig.statuses == ["400"], "nginx explains the mistake in plain HTTP"


@live
async def test_tls_connections_that_end_badly(certificates):
    async def cut(peer):
        await peer.answer(OK[:-1])
        await peer.flush()
        peer.close()

    async def reset(peer):
        await peer.answer(OK[:-1])
        await until(lambda: rig.heard)
        peer.reset()

    async def until_close(peer):
        await peer.answer(b"HTTP/1.1 200 OK\r\n\r\nbody")
        await peer.flush()
        peer.close()

    async def hang(peer):
        await peer.request()
        await peer.gone()

    async with (
        serving(
            in_turn(cut, reset, until_close, hang, Peer.serve), tls=server_side(certificates, "good")
        ) as server,
        aiming(server.port, tls=client_side(certificates), timeout_s=0.3) as rig,
    ):
        await rig.replay(*(get("/", index=n) for n in range(6)))
        assert rig.statuses[0] == "closed"
        assert rig.statuses[1] in ("reset", "closed")
        assert rig.statuses[2:] == ["200", "timeout", "200", "200"]


@live
async def test_an_early_answer_over_tls(certificates):
    async def script(peer):
        await peer.head()
        peer.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        await peer.flush()
        peer.close()

    async with (
        serving(in_turn(script, Peer.serve), tls=server_side(certificates, "good")) as server,
        aiming(server.port, tls=client_side(certificates)) as rig,
    ):
        await rig.replay(post("/", bytes(40 << 20)), get("/", index=1))
        assert rig.statuses == ["413", "200"]


@live
async def test_kept_tls_connections_that_close_cost_idempotent_requests_nothing(certificates):
    async def script(peer):
        await peer.answer()
        await peer.head()
        peer.close()

    async with (
        serving(in_turn(script, Peer.serve), tls=server_side(certificates, "good")) as server,
        aiming(server.port, tls=client_side(certificates)) as rig,
    ):
        await rig.replay(*(get("/", index=n) for n in range(3)))
        assert rig.statuses == ["200"] * 3
        assert rig.account.retries == 1
