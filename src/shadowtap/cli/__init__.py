"""cli: words from a terminal in, an exit code out.

One small file a command, thin: it reads options, calls what does the work, and prints. What machines read goes to
stdout, what people read to stderr. Exit codes: 0 done, 1 a verdict failed, 2 wrong usage or configuration, 3 the
run could not go on, 130 or 143 interrupted before it was done. A command's module is imported when it is asked for.
"""

from shadowtap.cli.entry import main

__all__ = ["main"]
