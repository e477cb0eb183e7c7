"""Gates: patterns that pass over a text once and say whether it is worth a closer look. They are RE2's, whose time
grows with the text and with nothing else, whatever the text is."""

from collections.abc import Callable

import re2


def gate(pattern: bytes, *, any_case: bool = True) -> Callable[[bytes], bool]:
    """A test whether a pattern is somewhere in a text."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.case_sensitive = not any_case
    options.never_capture = True
    search = re2.compile(pattern, options).search
    return lambda text: search(text) is not None
