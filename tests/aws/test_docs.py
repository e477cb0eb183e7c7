"""Every command in the how-to is one that can be typed."""

import re
import shlex
from pathlib import Path

import pytest

from shadowtap.aws.warn import Kind
from shadowtap.cli import aws as command
from shadowtap.cli import aws_options

PAGE = (Path(__file__).parents[2] / "docs" / "aws.md").read_text(encoding="utf-8")
LINES = [
    shlex.split(line.partition(">")[0])
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.S)
    for line in block.replace("\\\n", "").splitlines()
    if "shadowtap aws" in line
]


@pytest.mark.parametrize("words", LINES, ids=lambda words: " ".join(words)[:60])
def test_a_command_of_the_page_is_understood(words):
    at = words.index("aws")
    args = command.COMMANDS[words[at + 1]][1]().parse(words[at + 2 :])
    if hasattr(args, "packet_length"):
        aws_options.wish(args)


def test_there_are_such_commands():
    assert len(LINES) > 8


def test_every_warning_is_explained():
    assert all(f"`{kind}`" in PAGE for kind in Kind)
