"""check: what would keep a run from working, before it is run."""

import socket
import threading

import pytest
from captures import shop_visit, write

from shadowtap.cli import main


@pytest.fixture
def listener():
    """A TCP port of loopback that accepts."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_all_is_well(tmp_path, capsys, listener):
    capture = write(tmp_path / "shop.pcap", shop_visit())
    config = tmp_path / "tap.toml"
    config.write_text(f'from = "{capture}"\nto = "http://127.0.0.1:{listener}"\n')
    assert main(["check", str(config)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"ok       {config}: valid",
        f"ok       {capture}: can be read",
        f"ok       http://127.0.0.1:{listener}: accepts connections (127.0.0.1)",
    ]


def test_everything_is_tested_even_after_a_problem(capsys, listener):
    closed = free_port()
    argv = ["check", "--from", "pcap:/no/such.pcap", "iface://nosuch0", "pcap:-"]
    argv += ["--to", f"http://127.0.0.1:{closed}", "http://nosuch.invalid", f"http://127.0.0.1:{listener}"]
    argv += ["--status", f"127.0.0.1:{listener}"]
    assert main(argv) == 3
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in told] == [
        "problem",
        "problem",
        "ok",
        "problem",
        "problem",
        "ok",
        "problem",
    ]
    assert "there is no such file" in told[0]
    assert "nosuch0" in told[1]
    assert told[3] == (
        f"problem  http://127.0.0.1:{closed}: connection refused; is it running, and is the port right?"
    )
    assert told[4] == (
        "problem  http://nosuch.invalid: no address is known for nosuch.invalid; check the name and the resolver"
    )
    assert told[6].startswith(f"problem  status port 127.0.0.1:{listener}: address already in use; choose")


def test_a_busy_source(capsys, listener):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as busy:
        busy.bind(("127.0.0.1", 0))
        port = busy.getsockname()[1]
        assert (
            main(["check", "--from", f"vxlan://127.0.0.1:{port}", "--to", f"http://127.0.0.1:{listener}"])
            == 3
        )
    assert f"UDP port {port} is in use" in capsys.readouterr().out


def test_a_target_that_is_the_source(capsys):
    port = free_port(socket.SOCK_DGRAM)
    assert main(["check", "--from", f"vxlan://127.0.0.1:{port}", "--to", f"http://127.0.0.1:{port}"]) == 3
    told = capsys.readouterr().out.splitlines()
    what = f"http://127.0.0.1:{port}"
    said = "is where this run receives packets; name the server that gets the requests"
    assert told[-1] == f"problem  {what}: {said}"


def test_what_asks_for_trouble_is_said(capsys, listener):
    port = free_port(socket.SOCK_DGRAM)
    argv = ["check", "--from", f"vxlan://127.0.0.1:{port}", "--to", f"http://127.0.0.1:{listener}"]
    assert main([*argv, "--replay-ambiguous", "--allow-production-target", "--status", "127.0.0.1:0"]) == 0
    warnings = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning")]
    assert any("listens on loopback, where no mirror of AWS can send to" in line for line in warnings)
    assert any("nothing keeps replays away from production" in line for line in warnings)
    assert any("requests that may be smuggling attempts are replayed" in line for line in warnings)
    assert any("no load balancer does" in line for line in warnings)


def test_tls_where_there_is_none(capsys):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            with server.accept()[0] as accepted:
                accepted.recv(1000)
                accepted.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        port = server.getsockname()[1]
        assert main(["check", "--from", "pcap:-", "--to", f"https://127.0.0.1:{port}"]) == 3
        thread.join()
    assert f"https://127.0.0.1:{port}: does not speak TLS there" in capsys.readouterr().out


def test_an_authority_file_that_is_none(tmp_path, capsys):
    (tmp_path / "ca.pem").write_text("hello")
    argv = ["check", "--from", "pcap:-", "--to", "https://127.0.0.1:1", "--ca-file"]
    assert main([*argv, str(tmp_path / "ca.pem")]) == 3
    assert main([*argv, str(tmp_path / "missing.pem")]) == 3
    told = capsys.readouterr().out
    assert told.count("; name a file of PEM certificates") == 2


def test_a_wrong_configuration_is_code_2(tmp_path, capsys):
    config = tmp_path / "tap.toml"
    config.write_text("form = 5")
    assert main(["check", str(config)]) == 2
    assert capsys.readouterr() == ("", f'shadowtap: {config}: form: unknown key; did you mean "from"?\n')
