"""shadowtap replay as a command: what it needs, and the whole way from packets through a recording to a real server."""

import http.server
import json
import threading

import pytest
from captures import shop_visit, write

from shadowtap.cli import main
from shadowtap.config.schedule import Moment, parse_moment, parse_speed
from shadowtap.errors import UsageError


@pytest.fixture
def server():
    """A real web server, and the paths it was asked for."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"hi")

        def log_message(self, *_):
            pass

    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}", asked
    served.shutdown()
    thread.join()
    served.server_close()


def test_record_now_replay_later(server, tmp_path, capsys):
    url, asked = server
    capture = write(tmp_path / "shop.pcap", shop_visit(5))
    assert main(["run", "--from", capture, "--to", f"recording:{tmp_path}/kept", "--quiet"]) == 0
    summary = str(tmp_path / "ledger.json")
    options = ["--speed", "2x", "--skip", "path == /products/3", "--summary", summary, "--no-live"]
    assert main(["replay", f"recording:{tmp_path}/kept", "--to", url, *options]) == 0
    assert asked == [f"/products/{n}" for n in (0, 1, 2, 4)]
    told = json.loads((tmp_path / "ledger.json").read_text())
    assert told["schedule"]["speed"] == 2.0
    assert told["schedule"]["lateness"]["count"] == 4
    assert told["schedule"]["latency_from_intended"][url]["count"] == 4
    assert told["requests"]["filtered"] == {"path == /products/3": 1}
    err = capsys.readouterr().err
    assert "Sent after the intended moment" in err
    assert "Every request is accounted for." in err


def test_a_recording_is_read_by_extract_and_check(tmp_path, capsys):
    capture = write(tmp_path / "shop.pcap", shop_visit(2))
    assert main(["run", "--from", capture, "--to", f"recording:{tmp_path}/kept", "--quiet"]) == 0
    assert main(["extract", f"recording:{tmp_path}/kept"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["kind"] for line in lines] == ["request", "response"] * 2
    assert main(["check", "--from", f"recording:{tmp_path}/kept", "--to", "jsonl:-"]) == 0
    assert f"ok       recording:{tmp_path}/kept: can be read" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["vxlan://0.0.0.0:4789"], '"vxlan://0.0.0.0:4789" is live; shadowtap run --from'),
        (["gor:-", "--loop", "2"], '"gor:-" is a pipe and can be read once; leave out --loop'),
        (["gor:a", "--speed", "fast"], '--speed: expected a factor such as 2x or 0.5x, or max, not "fast"'),
        (["gor:a", "--since", "noon"], "--since: expected a time such as 2026-11-23T14:05:00Z, or 10m after"),
        (["gor:a"], "no target: say where requests go"),
        ([], "missing: SOURCE; see shadowtap replay --help"),
    ],
)
def test_wrong_usage(argv, said, capsys):
    assert main(["replay", *argv]) == 2
    assert said in capsys.readouterr().err


def test_speeds_and_moments():
    assert [parse_speed(text) for text in ("1x", "0.5", "10x", "max")] == [1.0, 0.5, 10.0, None]
    assert parse_moment("10m", "--since") == Moment(600 * 10**9, from_start=True)
    assert parse_moment("1970-01-02T00:00:00.5Z", "--since") == Moment(86_400_500_000_000, from_start=False)
    assert parse_moment("1970-01-01T02:00:00+02:00", "--since") == Moment(0, from_start=False)
    assert parse_moment("1970-01-01 00:01", "--since") == Moment(60 * 10**9, from_start=False)
    for text in ("0x", "99999x", "-1x", ""):
        with pytest.raises(UsageError):
            parse_speed(text)
