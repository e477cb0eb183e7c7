"""Options that have nothing to act on are refused with a line that says why."""

import pytest

from shadowtap.cli import main

RUN = ["run", "--from", "pcap:a", "--to", "http://b"]
TO_STDOUT = "both write to standard output; name a file for one of them"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--ca-file", "x.pem"],
            "--ca-file does nothing here: no target is https://; leave it out, or name one",
        ),
        (["--insecure"], "--insecure does nothing here: no target is https://"),
        (["--sample-by", "cookie:a"], "--sample-by does nothing here: say how much, such as --sample 10%"),
        (["--hooks-on-error", "drop"], "--hooks-on-error does nothing here: there is no --hooks FILE"),
        (["--middleware-timeout", "1s"], "--middleware-timeout does nothing here: there is no --middleware"),
        (["--keep-secrets"], "--keep-secrets does nothing here: it is for --dry-run; sinks take ?mask=no"),
        (["--mask-key", "k"], "--mask-key does nothing here: nothing is masked with it"),
        (["--to", "jsonl:a", "--mask-key", "k"], "--mask-key does nothing here"),
        (["--to", "gor:a?mask=no", "--mask-key", "k"], "--mask-key does nothing here"),
        (["--recording-key", "k"], "--recording-key does nothing here: no recording is read or written"),
        (["--ignore", "body.x"], "--ignore does nothing here: answers are not compared; add --compare"),
        (["--noise", "none.toml"], "--noise does nothing here: answers are not compared"),
        (["--reference", "http://c"], "--reference does nothing here: answers are not compared"),
        (["--rebind-wait", "2s"], "--rebind-wait does nothing here: sessions are not re-bound; add --rebind"),
        (["--compare", "--no-rebind", "--rebind-never", "body.x"], "--rebind-never does nothing here"),
        (["--dry-run", "--summary", "-"], f"--dry-run and --summary - {TO_STDOUT}"),
        (["--to", "jsonl:-", "--summary", "-"], f"jsonl:- and --summary - {TO_STDOUT}"),
        (["--compare-json", "-", "--summary", "-"], f"--summary - and --compare-json - {TO_STDOUT}"),
    ],
)
def test_what_would_do_nothing_is_said(options, said, capsys):
    assert main([*RUN, *options]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"shadowtap: {said}")
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    "options",
    [
        ["--to", "https://c", "--ca-file", "none.pem", "--insecure"],
        ["--sample", "100%", "--sample-by", "connection"],
        ["--to", "gor:a", "--mask-key", "none.key"],
        ["--mask", "--mask-key", "none.key"],
        ["--dry-run", "--keep-secrets"],
        ["--compare", "--ignore", "body.x", "--rebind-wait", "2s"],
        ["--fail-on", "mismatch > 1%", "--reference", "http://c"],
    ],
)
def test_what_does_something_is_taken(options, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main(["check", *RUN[1:], *options])
    told = capsys.readouterr()
    assert "does nothing here" not in told.out + told.err
