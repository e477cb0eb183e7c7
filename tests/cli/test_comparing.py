"""run --compare: whether a real server answers as production did, and what exit code that gives."""

import http.server
import json
import threading
from collections import Counter

import pytest
from captures import shop_visit, write

from shadowtap.cli import main
from shadowtap.config.compare import CompareSettings
from shadowtap.config.merge import load
from shadowtap.errors import UsageError


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers as production does, but for every `nth` request."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: else Nagle waits for a delayed acknowledgement
    nth = 0
    count = 0

    def do_GET(self):
        cls = type(self)
        cls.count += 1
        wrong = cls.nth and cls.count % cls.nth == 0
        self.send_response_only(500 if wrong else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"hi")
        self.wfile.flush()

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    """A real web server; call it with how often it shall be wrong, and get its URL."""
    started = []

    def start(nth=0):
        answering = type("Answering", (Answering,), {"nth": nth})
        served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), answering)
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        started.append((served, thread))
        return f"http://127.0.0.1:{served.server_port}"

    yield start
    for served, thread in started:
        served.shutdown()
        thread.join()
        served.server_close()


@pytest.fixture
def capture(tmp_path):
    return write(tmp_path / "shop.pcap", shop_visit(400))


def test_the_same_answers_pass(server, capture, capsys):
    options = ["--compare", "--fail-on", "mismatch > 1%", "--no-live"]
    assert main(["run", "--from", capture, "--to", server(), *options]) == 0
    err = capsys.readouterr().err
    assert "400 answers compared, 0 differ (0 %)" in err
    assert "PASSED" in err


def test_other_answers_fail_and_are_told_in_every_form(server, capture, tmp_path, capsys):
    url = server(nth=10)
    options = ["--fail-on", "mismatch > 1%", "--no-live", "--compare-json", str(tmp_path / "found.json")]
    options += ["--compare-junit", str(tmp_path / "junit.xml"), "--save-noise", str(tmp_path / "noise.toml")]
    assert main(["run", "--from", capture, "--to", url, *options]) == 1
    err = capsys.readouterr().err
    assert "400 answers compared, 40 differ (10 %)" in err
    assert "\n  GET /products/{id}\n         40  status: 200 → 500\n" in err
    assert "FAILED" in err
    told = json.loads((tmp_path / "found.json").read_text())
    assert told["verdict"] == "failed"
    assert told["targets"][0]["mismatched"] == 40
    assert "<failure" in (tmp_path / "junit.xml").read_text()
    assert load(targets=[url], for_tables={"compare": {"noise_file": str(tmp_path / "noise.toml")}})


def test_too_few_answers_are_no_pass(server, tmp_path, capsys):
    few = write(tmp_path / "few.pcap", shop_visit(3))
    assert main(["run", "--from", few, "--to", server(), "--fail-on", "mismatch > 0.1%", "--no-live"]) == 1
    assert "TOO FEW" in capsys.readouterr().err


def test_verdicts_are_kept_with_the_exchanges(server, capture, tmp_path, capsys):
    sink = f"jsonl:{tmp_path}/kept"
    assert main(["run", "--from", capture, "--to", server(nth=100), sink, "--compare", "--no-live"]) == 0
    err = capsys.readouterr().err
    assert "the sources have ended" in err  # nobody has interrupted this process, else not all is answered
    lines = [json.loads(line) for line in (tmp_path / "kept").read_text().splitlines()]
    fates = [line for line in lines if line["kind"] == "fate"]
    told = [(fate["fate"], out["failure"], out["same"]) for fate in fates for out in fate["targets"]]
    assert Counter(told) == {("replayed", None, True): 396, ("replayed", None, False): 4}, err


def test_a_reference_gets_every_request_and_teaches_what_is_noise(server, capture, tmp_path, capsys):
    old = server(nth=2)  # production's own version fails every second request: no news about the next one
    options = ["--reference", old, "--fail-on", "mismatch > 1%", "--no-live"]
    assert main(["run", "--from", capture, "--to", server(nth=2), *options]) == 0
    err = capsys.readouterr().err
    assert "400 answers compared, 0 differ (0 %)" in err
    assert "reference: GET /products/{id} status status" in err
    assert f"{old}\n  400 answers" not in err  # it is no target that is judged


def test_a_run_without_requests_is_no_pass(server, tmp_path, capsys):
    empty = write(tmp_path / "empty.pcap", [])
    options = ["--fail-on", "mismatch > 1%", "--compare-json", str(tmp_path / "found.json"), "--no-live"]
    assert main(["run", "--from", empty, "--to", server(), *options]) == 1
    assert "TOO FEW" in capsys.readouterr().err
    assert json.loads((tmp_path / "found.json").read_text())["verdict"] == "too few"


def test_what_is_ignored_is_noise_by_that_rule(server, capture, capsys):
    options = ["--ignore", "GET /products/{id} **", "--fail-on", "mismatch > 1%", "--no-live"]
    assert main(["run", "--from", capture, "--to", server(nth=10), *options]) == 0
    assert "40  ignore GET /products/{id} **" in capsys.readouterr().err


def test_a_recording_is_compared_when_it_is_replayed(server, capture, tmp_path, capsys):
    pytest.importorskip("pyarrow")
    assert main(["run", "--from", capture, "--to", f"recording:{tmp_path}/kept", "--quiet"]) == 0
    for kept, more in ((f"recording:{tmp_path}/kept", []), (capture, ["--loop", "2"])):
        options = ["--speed", "max", "--compare-json", str(tmp_path / "found.json"), "--no-live", *more]
        options += ["--fail-on", "mismatch > 1%", "--compare-junit", str(tmp_path / "junit.xml")]
        assert main(["replay", kept, "--to", server(nth=10), *options]) == 1
        told = json.loads((tmp_path / "found.json").read_text())
        assert (told["targets"][0]["compared"], told["targets"][0]["mismatched"]) in ((400, 40), (800, 80))
        assert told["noise"] == []
        assert "<failure" in (tmp_path / "junit.xml").read_text()
        assert "FAILED" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--fail-on", "mismatches > 1%"], "fail-on: no figure 'mismatches'"),
        (["--compare", "--reference", "ftp://other"], "--reference ftp://other: "),
        (["--compare", "--reference", "jsonl:-"], "--reference jsonl:-: is a sink"),
        (["--compare", "--reference", "http://b"], "the only target cannot be the reference"),
        (["--compare-json", "/nowhere/x.json"], "compare-json /nowhere/x.json: cannot be written"),
        (["--save-noise", "/nowhere/x.toml"], "save-noise /nowhere/x.toml: cannot be written"),
        (["--compare", "--noise", "/nowhere.toml"], "/nowhere.toml: cannot be read"),
    ],
)
def test_wrong_usage(options, said, capsys):
    assert main(["run", "--from", "pcap:a", "--to", "http://b", *options]) == 2
    assert said in capsys.readouterr().err


def test_the_table_compare(tmp_path):
    path = tmp_path / "tap.toml"
    path.write_text(
        '[compare]\nenabled = true\nignore = "body.took"\ntolerance = { "body.price" = 0.01, "**.x" = "1%" }\n'
    )
    settings = load(str(path), for_tables={"compare": {"fail_on": ("mismatch > 1%",)}}).compare
    assert settings == CompareSettings(
        enabled=True,
        ignore=("body.took",),
        tolerance={"body.price": 0.01, "**.x": "1%"},
        fail_on=("mismatch > 1%",),
    )
    for text in (
        "compare = 5",
        "[compare]\nignore = 5",
        "[compare]\ntolerance = 5",
        "[compare]\nclasses = ['x']",
    ):
        path.write_text(text)
        with pytest.raises(UsageError):
            load(str(path))
