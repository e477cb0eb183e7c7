"""shadowtap report and run --report: a page of a recording, of a run, and of the files that a run wrote."""

import http.server
import json
import stat
import threading

import pytest
from captures import shop_visit, write

from shadowtap.cli import main

SECRET = "4111111111111111"


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers as production does, but every fifth time."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    count = 0

    def do_GET(self):
        type(self).count += 1
        body = b"ho" if type(self).count % 5 == 0 else b"hi"
        self.send_response_only(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A folder with a recording and all files of a run with --compare, and the target's URL."""
    folder = tmp_path_factory.mktemp("ran")
    capture = write(folder / "shop.pcap", shop_visit(100))
    served = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), type("Fresh", (Answering,), {"wbufsize": 4096})
    )
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{served.server_port}"
    options = [
        "--compare",
        "--quiet",
        "--report",
        f"{folder}/run.html",
        "--summary",
        f"{folder}/summary.json",
    ]
    options += ["--compare-json", f"{folder}/found.json", "--fail-on", "mismatch > 1%"]
    try:
        assert main(["run", "--from", capture, "--to", url, f"recording:{folder}/kept", *options]) == 1
    finally:
        served.shutdown()
        thread.join()
        served.server_close()
    return folder, url


def made(folder, *argv):
    """The page that a command makes, and its exit code."""
    out = folder / "made.html"
    code = main(["report", *argv, "-o", str(out)])
    return out.read_text(), code


def test_the_page_of_a_run(ran):
    folder, url = ran
    html = (folder / "run.html").read_text()
    for said in (
        "20 of 100 answers compared",
        "mismatch &gt; 1%",
        url,
        "GET /products/{id}",
        "Every request is accounted for",
        "text_value",
    ):
        assert said in html
    assert "session=abc" not in html, "secrets are masked"
    assert stat.S_IMODE((folder / "run.html").stat().st_mode) == 0o600


def test_the_page_of_its_recording_says_the_same(ran, capsys):
    folder, url = ran
    html, code = made(folder, f"recording:{folder}/kept")
    assert code == 0
    assert "made of 100 exchanges" in capsys.readouterr().err
    for said in ("20 of 100 answers compared", url, "GET /products/{id}", "text_value"):
        assert said in html
    assert "session=abc" not in html


def test_conditions_can_be_set_afterwards(ran):
    folder, _ = ran
    html, code = made(folder, str(folder / "kept"), "--fail-on", "mismatch > 1%", "--title", "Release 7")
    assert code == 1
    assert "FAILED" in html
    assert "<title>Release 7</title>" in html
    assert made(folder, str(folder / "kept"), "--fail-on", "mismatch > 50%")[1] == 0


def test_answers_that_were_not_compared_are_compared_now(ran, tmp_path):
    """A recording of a run without --compare."""
    pytest.importorskip("pyarrow")
    from shadowtap.record import Recorder, Recording

    folder, _ = ran
    recorder = Recorder(tmp_path / "bare")
    for one in Recording(folder / "kept").exchanges():
        recorder.offer(type(one)(one.exchange, one.fate, one.outcomes))
    recorder.close()
    assert "20 of 100 answers compared" in made(tmp_path, str(tmp_path / "bare"))[0]


def test_rules_of_a_configuration_hold(ran, tmp_path):
    folder, _ = ran
    (tmp_path / "tap.toml").write_text('[compare]\nfail_on = "mismatch > 50%"\n[mask]\nfields = ["id"]\n')
    html, code = made(tmp_path, str(folder / "kept"), "--config", str(tmp_path / "tap.toml"))
    assert code == 0
    assert "PASSED" in html


def test_the_page_of_the_files_of_a_run(ran):
    folder, url = ran
    html, code = made(folder, f"{folder}/summary.json", f"{folder}/found.json")
    assert code == 0
    for said in ("20 of 100 answers compared", url, "Every request is accounted for", "FAILED"):
        assert said in html


def test_a_recording_beside_the_summary_of_its_run(ran):
    folder, _ = ran
    html, _ = made(folder, f"recording:{folder}/kept", f"{folder}/summary.json")
    assert "frames" in html, "the whole account"
    assert "answers a second" in html, "and the traffic over time"


def test_to_stdout(ran, capsysbinary):
    folder, _ = ran
    assert main(["report", f"{folder}/found.json", "-o", "-"]) == 0
    assert capsysbinary.readouterr().out.startswith(b"<!doctype html>")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such file"),
        ("{", "is no JSON"),
        ("[]", "neither --summary nor --compare-json has written this"),
        ('{"x": 1}', "neither --summary nor --compare-json has written this"),
        ('{"judgements": 5}', "these are no findings as --compare-json writes them"),
        ('{"requests": {"seen": "x"}}', "this is no account as --summary writes it"),
        ("[" * 100_000, "is no JSON"),
    ],
)
def test_files_of_others_are_refused(content, said, tmp_path, capsys):
    path = tmp_path / "x.json"
    if content is not None:
        path.write_text(content)
    assert main(["report", str(path), "-o", str(tmp_path / "x.html")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "x.html").exists()


def test_wrong_usage(ran, tmp_path, capsys):
    folder, _ = ran
    assert main(["report", f"{folder}/found.json", f"{folder}/found.json"]) == 2
    assert main(["report", f"{folder}/found.json", "-o", str(tmp_path)]) == 2
    assert main(["report", f"recording:{tmp_path}/none", "-o", str(tmp_path / "x.html")]) == 3
    assert main(["run", "--from", "pcap:a", "--to", "http://b", "--report", "/nowhere/x.html"]) == 2
    assert main(["run", "--from", "pcap:a", "--to", "http://b", "--ui", "here"]) == 2
    err = capsys.readouterr().err
    assert "one more file of its kind" in err
    assert "report /nowhere/x.html: cannot be written" in err
    assert "--ui: expected PORT or HOST:PORT" in err


def test_a_page_does_not_replace_what_it_is_made_of(ran, tmp_path, capsys):
    folder, _ = ran
    before = (folder / "found.json").read_bytes()
    assert main(["report", f"{folder}/found.json", "-o", f"{folder}/./found.json"]) == 2
    assert "found.json: is what is read, too; name another file" in capsys.readouterr().err
    assert (folder / "found.json").read_bytes() == before


def test_conditions_afterwards_say_why_and_need_a_recording(ran, tmp_path, capsys):
    folder, _ = ran
    page = str(tmp_path / "x.html")
    assert main(["report", f"recording:{folder}/kept", "-o", page, "--fail-on", "mismatch > 1%"]) == 1
    assert "FAILED    mismatch > 1%" in capsys.readouterr().err
    assert main(["report", f"{folder}/found.json", "-o", page, "--fail-on", "mismatch > 90%"]) == 2
    assert "files of a run hold its own verdict" in capsys.readouterr().err
    assert main(["report", f"{folder}/found.json", f"{folder}/summary.json", "-o", page]) == 0


def test_an_edited_findings_file_is_only_text(ran, tmp_path):
    folder, _ = ran
    found = json.loads((folder / "found.json").read_text())
    found["targets"][0]["target"] = "</script><script>alert(1)</script>"
    (tmp_path / "found.json").write_text(json.dumps(found))
    html, _ = made(tmp_path, f"{tmp_path}/found.json")
    assert html.count("<script>") == 1
