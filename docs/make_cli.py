"""Writes docs/cli.md from the commands' own --help: `python docs/make_cli.py`. A test finds it stale otherwise."""

from pathlib import Path

from shadowtap.cli.entry import COMMANDS, command, parser

PAGE = Path(__file__).with_name("cli.md")

HEAD = """\
# The command line

<!-- Made by docs/make_cli.py from --help; do not edit. -->

What machines read goes to stdout, what people read goes to stderr.

| exit code | meaning |
| --- | --- |
| 0 | done; a run that was interrupted is done, too |
| 1 | a verdict failed |
| 2 | wrong usage or configuration; nothing was started, and one line says what to do |
| 3 | the run could not start or go on |
| 130, 143 | ended by SIGINT or SIGTERM before it was done (`extract` of a file, `check`), or before a run began |
"""


def page() -> str:
    """The whole page."""
    sections = [HEAD, section("shadowtap", parser().format_help())]
    for name in COMMANDS:
        module = command(name)
        sections.append(section(f"shadowtap {name}", module.parser().format_help()))
        nested = getattr(module, "parsers", dict)()
        sections += [section(f"shadowtap {name} {part}", p.format_help()) for part, p in nested.items()]
    return "\n".join(sections)


def section(title: str, text: str) -> str:
    """One command."""
    return f"## {title}\n\n```text\n{text.rstrip()}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page())
