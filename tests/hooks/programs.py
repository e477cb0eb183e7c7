"""Middleware as people write it, in several languages."""

import shutil
import sys

import pytest

PYTHON = """
import sys
for line in sys.stdin:
    head, _, payload = bytes.fromhex(line).partition(b"\\n")
    {do}
    print((head + b"\\n" + payload).hex(), flush=True)
"""

# After the example of GoReplay's own library for node.
NODE = """
const readline = require('readline');
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const message = Buffer.from(line, 'hex');
  const end = message.indexOf(10);
  const [type] = message.subarray(0, end).toString().split(' ');
  if (type === '1') {
    const http = message.subarray(end + 1).toString('latin1').replace('/old', '/new');
    const out = Buffer.concat([message.subarray(0, end + 1), Buffer.from(http, 'latin1')]);
    setTimeout(() => console.log(out.toString('hex')), WAIT());
  }
});
"""

SHELL = """#!/bin/bash
# After GoReplay's examples/middleware/echo.sh: a request that asks for /skip is left out.
while read -r line; do
  decoded=$(printf '%s' "$line" | xxd -r -p | tr -d '\\0')
  case "$decoded" in *"GET /skip"*) continue ;; esac
  printf '%s\\n' "$line"
done
"""


def python(folder, do="pass"):
    """A program in Python that does this with each `head` and `payload`."""
    file = folder / "middleware.py"
    file.write_text(PYTHON.format(do=do))
    return f"{sys.executable} {file}"


def node(folder, wait="0"):
    """A program in node that answers after a while."""
    _need("node")
    file = folder / "middleware.js"
    file.write_text(NODE.replace("WAIT()", wait))
    return f"node {file}"


def shell(folder):
    """A program in bash."""
    _need("xxd")
    file = folder / "middleware.sh"
    file.write_text(SHELL)
    return f"bash {file}"


def _need(name):
    if shutil.which(name) is None:
        pytest.skip(f"not installed: {name}; apt-get install -y {name}")
