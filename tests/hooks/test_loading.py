"""Files of hooks that are of no use: one line that says what is wrong."""

import sys

import pytest

from shadowtap.errors import UsageError
from shadowtap.hooks.loading import load

WRONG = {
    "def request(request)\n": "line 1: expected ':'",
    "import nothing_of_this_name\n": "line 1: ModuleNotFoundError: No module named 'nothing_of_this_name'",
    "x = 1\ny = 1 / 0\n": "line 2: ZeroDivisionError: division by zero",
    "raise SystemExit(3)\n": "line 1: SystemExit: 3",
    "def reqest(r): return r\n": "neither request(request) nor answers(request, production, outcomes); define one",
    "request = 3\n": "request is no function; write def request(request)",
    "async def request(r): return r\n": "one at a time, in order; write a plain def request(request)",
    "def request(r):\n  yield r\n": "asynchronous or a generator",
    "def request(): return 1\n": "request() takes other arguments; write def request(request)",
    "def request(a, b): return a\n": "request() takes other arguments",
    "def answers(a): pass\n": "answers() takes other arguments; write def answers(request, production, outcomes)",
    "def request(r):\n  r.path = '/'\n": "request() never returns anything, so every request would be dropped",
    "def request(r):\n  return\n": "never returns anything",
    "\0": "null",
    "# coding: nonsense\n": "unknown encoding",
}


@pytest.mark.parametrize("source", WRONG)
def test_what_is_wrong_is_said_in_one_line(tmp_path, source):
    file = tmp_path / "hooks.py"
    file.write_text(source)
    with pytest.raises(UsageError) as caught:
        load(str(file))
    told = str(caught.value)
    assert WRONG[source] in told
    assert told.startswith(f"hooks {file}")
    assert "\n" not in told


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        load(str(tmp_path / "hooks.py"))


def test_functions_that_are_fine(tmp_path):
    file = tmp_path / "hooks.py"
    file.write_text(
        "import dataclasses\n@dataclasses.dataclass\nclass Seen:\n  n: int = 0\nseen = Seen()\n"
        "def request(request):\n  seen.n += 1\n  return request if seen.n > 1 else None\n"
        "answers = lambda *all: None\n"
    )
    functions = load(str(file))
    assert functions.request(1) is None
    assert functions.request(2) == 2
    assert functions.answers(1, 2, 3) is None


def test_hooks_may_import_what_stands_beside_them(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "beside_the_hooks.py").write_text("NAME = 'x'")
    (tmp_path / "hooks.py").write_text(
        "import beside_the_hooks\ndef request(r): return beside_the_hooks.NAME"
    )
    assert load(str(tmp_path / "hooks.py")).request(0) == "x"
