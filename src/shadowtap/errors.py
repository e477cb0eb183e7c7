"""What a user can meet.

Exceptions are for bugs and for the user. Hostile bytes never raise out of a stage: they become values and
counters. So there are two classes here, told apart by what the user can do next, and each message says that.
Anything else that escapes is a bug.
"""


class ShadowtapError(Exception):
    """Base of everything shadowtap raises on purpose; its text is one clear line for the user."""

    exit_code = 3


class UsageError(ShadowtapError):
    """The command line or the configuration is wrong; nothing was started (exit code 2)."""

    exit_code = 2


class RunError(ShadowtapError):
    """The run could not start or go on: a busy port, a missing permission, an unreadable file (exit code 3)."""

    exit_code = 3
