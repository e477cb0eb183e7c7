"""What is wrong with an expression, with a caret under the place."""

from shadowtap.errors import UsageError

_SHOWN = 88
"""Characters of an expression that are shown; of a longer one, those around the place."""


class ExpressionError(UsageError, ValueError):
    """An expression that cannot be understood. `reason` is one line; the text of the error adds the expression and
    a caret line under the characters from `start` to `end`."""

    def __init__(self, reason: str, text: str, start: int, end: int | None = None) -> None:
        self.reason = reason
        self.start = min(start, len(text))
        self.end = max(self.start + 1, min(end or 0, len(text)))
        super().__init__(f"{reason}\n{_pointed(text, self.start, self.end)}")


class WordError(ValueError):
    """A value, `word`, that its field cannot be compared with; who knows where it stands makes an ExpressionError
    of it."""

    def __init__(self, reason: str, word: str) -> None:
        self.word = word
        super().__init__(reason)


def _pointed(text: str, start: int, end: int) -> str:
    first = max(0, min(start - _SHOWN // 2, len(text) - _SHOWN))
    window = "".join(c if c.isprintable() else " " for c in text[first : first + _SHOWN])
    carets = min(end - start, _SHOWN - (start - first))
    return f"  {window}\n  {' ' * (start - first)}{'^' * max(carets, 1)}"
