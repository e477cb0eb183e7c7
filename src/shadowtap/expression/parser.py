"""Text → tree. The grammar, with the loosest binding first:

    expression = conjunction { "or" conjunction }
    conjunction = negation { "and" negation }
    negation = "not" negation | "(" expression ")" | test
    test = field [ operator value | [ "not" ] "in" values | "exists" ]
    field = name [ "." key ]
    values = value | "(" value { "," value } ")"
    value = word | quoted text

What comes next decides how characters are read: behind an operator `/a=b` is one word. Within quotes a backslash
quotes a backslash and the quote, and before everything else it is itself, as regular expressions want it.
Limits keep hostile expressions cheap: MAX_CHARS, MAX_DEPTH.
"""

import re

from shadowtap.expression.error import ExpressionError
from shadowtap.expression.tree import (
    KEYWORDS,
    PLAIN_KEY,
    PLAIN_WORD,
    And,
    Name,
    Node,
    Not,
    Operator,
    Or,
    Test,
    Word,
)

MAX_CHARS = 8_192
"""Characters of an expression: a list of some 500 networks fits, and the text is a name in the ledger."""
MAX_DEPTH = 40
"""Levels of parentheses and `not`: beyond what anyone reads, below what Python's stack minds."""

_HALF = re.compile(r"[\ud800-\udc7f\udd00-\udfff]")
"""Halves of characters that no encoding has; the others stand for octets that the command line could not decode."""
_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_OPERATOR = re.compile(r"==|!=|!~|<=|>=|<|>|~")
_MISSPELT = re.compile(r"=~|&&?|\|\|?|===?|!|=|<>|\*")
_MEANT = {"&": "and", "|": "or", "!": "not", "=": "==", "=~": "~", "<>": "!=", "===": "=="}
_QUOTED = {quote: re.compile(rf"{quote}((?:[^{quote}\\]|\\.)*){quote}", re.DOTALL) for quote in "\"'"}
_ESCAPE = re.compile(r"\\([\\\"'])")


def parse_tree(text: str) -> Node:
    """The tree of an expression. Raises ExpressionError."""
    return _Parser(text).whole()


class _Parser:
    """Reads from left to right; `at` is where the next character is read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def whole(self) -> Node:
        if len(self.text) > MAX_CHARS:
            raise self.error(f"an expression has at most {MAX_CHARS:,} characters, not {len(self.text):,}")
        half = _HALF.search(self.text)
        if half:
            raise self.error("half a character; write text that is UTF-8", half.start())
        self._skip_space()
        if self._is_end():
            raise self.error("the expression is empty; write one such as method == GET")
        node = self.expression()
        if not self._is_end():
            raise self._unexpected('expected "and", "or" or the end')
        return node

    def expression(self) -> Node:
        parts = [self.conjunction()]
        while self._took("or"):
            parts.append(self.conjunction())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def conjunction(self) -> Node:
        parts = [self.negation()]
        while self._took("and"):
            parts.append(self.negation())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def negation(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"more than {MAX_DEPTH} levels of parentheses and not")
        if self._took("not"):
            node: Node = Not(self.negation())
        elif self._took_mark("("):
            node = self._grouped()
        else:
            node = self.test()
        self.depth -= 1
        return node

    def _grouped(self) -> Node:
        opened = self.at
        node = self.expression()
        if not self._took_mark(")"):
            if self._is_end():
                raise self.error('this "(" is not closed', self.text.rfind("(", 0, opened))
            raise self._unexpected('expected "and", "or" or ")"')
        return node

    def test(self) -> Test:
        name = self._name()
        found = _OPERATOR.match(self.text, self.at)
        if found and not _is_misspelt(self.text, self.at):
            self._go(found.end())
            return Test(name, Operator(found[0]), (self._value(f"behind {found[0]}"),))
        if self._took("in"):
            return Test(name, Operator.IN, self._values())
        before = self.at
        if self._took("not"):
            if self._took("in"):
                return Test(name, Operator.NOT_IN, self._values())
            self.at = before
            raise self._unexpected('expected "not in"')
        if not self._took("exists") and not self._is_behind_test():
            raise self._unexpected(f'expected an operator such as "==" or "~" behind {name}')
        return Test(name, Operator.EXISTS)

    def _is_behind_test(self) -> bool:
        found = _WORD.match(self.text, self.at)
        return (
            self._is_end()
            or self.text[self.at] == ")"
            or (found is not None and found[0].lower() in ("and", "or"))
        )

    def _name(self) -> Name:
        start = self.at
        found = _NAME.match(self.text, start)
        if not found or found[0].lower() in KEYWORDS:
            raise self._unexpected("expected a field, such as path or header.accept")
        end, key = found.end(), None
        if self.text.startswith(".", end):
            key, end = self._key(end + 1)
        self._go(end)
        return Name(found[0], key, start, end)

    def _key(self, at: int) -> tuple[str, int]:
        if self.text[at : at + 1] in _QUOTED:
            key, end = self._quoted(at)
        else:
            found = PLAIN_KEY.match(self.text, at)
            key, end = (found[0], found.end()) if found else ("", at)
        if not key:
            raise self.error('expected a name behind ".", such as header.accept', at, end)
        return key, end

    def _values(self) -> tuple[Word, ...]:
        if not self._took_mark("("):
            return (self._value("behind in"),)
        words = [self._value("in the list")]
        while self._took_mark(","):
            words.append(self._value("behind the comma"))
        if not self._took_mark(")"):
            raise self._unexpected('expected "," or ")" in the list')
        return tuple(words)

    def _value(self, place: str) -> Word:
        start = self.at
        if self.text[start : start + 1] in _QUOTED:
            text, end = self._quoted(start)
        else:
            found = PLAIN_WORD.match(self.text, start)
            if not found:
                raise self._no_value(place)
            text, end = found[0], found.end()
        self._go(end)
        return Word(text, start, end)

    def _quoted(self, at: int) -> tuple[str, int]:
        quote = self.text[at]
        found = _QUOTED[quote].match(self.text, at)
        if not found:
            raise self.error(f"this {quote} is not closed", at)
        return _ESCAPE.sub(lambda m: m[1] if m[1] in ("\\", quote) else m[0], found[1]), found.end()

    # -- characters ------------------------------------------------------------------------------------------

    def _go(self, at: int) -> None:
        self.at = at
        self._skip_space()

    def _skip_space(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _is_end(self) -> bool:
        return self.at >= len(self.text)

    def _took(self, keyword: str) -> bool:
        found = _WORD.match(self.text, self.at)
        if not found or found[0].lower() != keyword:
            return False
        self._go(found.end())
        return True

    def _took_mark(self, mark: str) -> bool:
        if not self.text.startswith(mark, self.at):
            return False
        self._go(self.at + 1)
        return True

    # -- mistakes --------------------------------------------------------------------------------------------

    def error(self, reason: str, start: int | None = None, end: int | None = None) -> ExpressionError:
        """A mistake at a place, or where we are."""
        return ExpressionError(reason, self.text, self.at if start is None else start, end)

    def _no_value(self, place: str) -> ExpressionError:
        if self._is_end():
            return self.error(f"expected a value {place}, but here the expression ends")
        found = self.text[self.at]
        return self.error(f"expected a value {place}; one that begins with {found} needs quotes")

    def _unexpected(self, expected: str) -> ExpressionError:
        if self._is_end():
            return self.error(f"{expected}, but here the expression ends")
        misspelt = _MISSPELT.match(self.text, self.at)
        if misspelt and (meant := _MEANT.get(misspelt[0]) or _MEANT.get(misspelt[0][0])):
            return self.error(f'write "{meant}" instead of "{misspelt[0]}"', self.at, misspelt.end())
        found = PLAIN_WORD.match(self.text, self.at)
        end = found.end() if found else self.at + 1
        return self.error(f"{expected}, not {self.text[self.at : end][:40]}", self.at, end)


def _is_misspelt(text: str, at: int) -> bool:
    return text.startswith(("===", "<>"), at)
