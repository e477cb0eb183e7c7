"""HTML and XML as trees of elements, however broken they are; in time that is linear in their length.

HTML is read by a scanner of our own: tolerant as browsers are (unclosed and stray tags, attributes without quotes,
raw text in scripts), and without the quadratic cases of the standard library's. XML is read by expat; a document that
declares entities is not read, since a few lines of them can stand for gigabytes. Comments, processing instructions
and the doctype are left away.
"""

import re
from html import unescape
from xml.parsers import expat

import msgspec

MAX_ELEMENTS = 20_000
"""Elements of a document, at 10 µs each; large pages have 5,000."""
MAX_DEPTH = 200
"""Elements one in the other; what is deeper stands side by side."""
MAX_ATTRIBUTES = 256

_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)
_RAW = frozenset(("script", "style", "textarea", "title"))
_CLOSES = {
    "li": ("li",), "dt": ("dt", "dd"), "dd": ("dt", "dd"), "tr": ("tr", "td", "th"), "td": ("td", "th"),
    "th": ("td", "th"), "option": ("option",), "p": ("p",), "thead": ("tr", "td", "th"),
    "tbody": ("thead", "tr", "td", "th"), "div": ("p",), "ul": ("p",), "ol": ("p",), "table": ("p",),
    "section": ("p",), "form": ("p",), "h1": ("p",), "h2": ("p",), "h3": ("p",), "body": ("head",),
}  # fmt: skip
"""Which open elements the beginning of another one ends (the HTML standard, section 13.1.2.4)."""
_NAME = re.compile(r"[A-Za-z][^\s/>]*+")
_ATTRIBUTE = re.compile(r"""[\s/]*+([^\s/>=]++)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s>]*+))?+""")
_UNTIL = re.compile(r"""[^>"']*+""")
_SPACE = re.compile(r"\s+")


class Element(msgspec.Struct, gc=True):
    """An element: its name, attributes, and what is in it, elements and texts in order."""

    name: str
    attributes: dict[str, str]
    children: "list[Element | str]"


class NotMarkup(Exception):  # noqa: N818  it is caught within this package
    """The text cannot be read as XML, or must not be."""


def parse_html(text: str) -> Element:
    """The tree of an HTML document or fragment; its root has no name. Raises NotMarkup beyond MAX_ELEMENTS."""
    return _Scanner(text).read()


def parse_xml(data: bytes, charset: str | None) -> Element:
    """The tree of an XML document. Raises NotMarkup where it is not well-formed or declares entities."""
    tree = _Tree()
    parser = expat.ParserCreate(charset if charset in ("utf-8", "utf-16", "iso-8859-1", "us-ascii") else None)
    parser.buffer_text = True
    parser.EntityDeclHandler = _refuse
    parser.StartElementHandler = lambda name, attributes: tree.start(name, dict(attributes))
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.text
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError, UnicodeError) as error:
        raise NotMarkup(str(error)) from None
    return tree.root()


def _refuse(*_: object) -> None:
    raise NotMarkup("declaring entities")


class _Tree:
    """Builds the tree from beginnings, ends and texts."""

    def __init__(self) -> None:
        self._root = Element("", {}, [])
        self._open = [self._root]
        self._beyond: list[str] = []
        self._texts: list[str] = []
        self._count = 0

    def root(self) -> Element:
        """The tree, when all has been read."""
        self._end_text()
        return self._root

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._end_text()
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise NotMarkup(f"longer than {MAX_ELEMENTS:,} elements")
        element = Element(name, attributes, [])
        self._open[-1].children.append(element)
        if len(self._open) < MAX_DEPTH:
            self._open.append(element)
        else:
            self._beyond.append(name)

    def end(self, name: str) -> None:
        """Close the innermost open element of this name, and those in it; a stray end is passed over."""
        self._end_text()
        if self._beyond:
            if self._beyond[-1] == name:
                self._beyond.pop()
            return
        for at in range(len(self._open) - 1, 0, -1):
            if self._open[at].name == name:
                del self._open[at:]
                return

    def end_implied(self, names: tuple[str, ...]) -> None:
        """Close the innermost elements while they are among these."""
        self._end_text()
        while len(self._open) > 1 and self._open[-1].name in names:
            self._open.pop()

    def text(self, text: str) -> None:
        self._texts.append(text)

    def _end_text(self) -> None:
        if not self._texts:
            return
        text = _SPACE.sub(" ", "".join(self._texts)).strip()
        self._texts.clear()
        if text:
            self._open[-1].children.append(text)


class _Scanner:
    """Goes through a text once. A search that found nothing is not made again: nothing is there further on."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._absent: set[str] = set()
        self._tree = _Tree()

    def read(self) -> Element:
        text, pos = self._text, 0
        while pos < len(text):
            start = text.find("<", pos)
            if start < 0:
                start = len(text)
            if start > pos:
                self._tree.text(unescape(text[pos:start]))
            pos = self._markup(start) if start < len(text) else start
        return self._tree.root()

    def _find(self, what: str, pos: int) -> int:
        """Where it is, or behind the end."""
        if what in self._absent:
            return len(self._text)
        at = self._text.find(what, pos)
        if at < 0:
            self._absent.add(what)
            return len(self._text)
        return at

    def _markup(self, pos: int) -> int:
        """What begins with `<` here; the position behind it."""
        text = self._text
        if text.startswith("<!--", pos):
            return self._find("-->", pos + 4) + 3
        if text.startswith(("<!", "<?"), pos):
            return self._find(">", pos) + 1
        closes = text.startswith("</", pos)
        name = _NAME.match(text, pos + 1 + closes)
        if name is None:
            self._tree.text("<")
            return pos + 1
        end = self._tag_end(name.end())
        if end >= len(text):  # a tag that breaks off is none
            return end
        if closes:
            self._tree.end(name[0].lower())
            return end + 1
        return self._start(name[0].lower(), text[name.end() : end], end + 1)

    def _tag_end(self, pos: int) -> int:
        """Where the `>` of a tag is, those within quotes passed over."""
        while True:
            found = _UNTIL.match(self._text, pos)
            pos = found.end() if found else pos
            quote = self._text[pos : pos + 1]
            if quote in ("", ">"):
                return pos
            closing = self._find(quote, pos + 1)
            pos = pos + 1 if closing >= len(self._text) else closing + 1

    def _start(self, name: str, inside: str, pos: int) -> int:
        tree = self._tree
        if name in _CLOSES:
            tree.end_implied(_CLOSES[name])
        tree.start(name, _attributes(inside))
        if name in _VOID or inside.endswith("/"):
            tree.end(name)
        elif name in _RAW:
            return self._raw(name, pos)
        return pos

    def _raw(self, name: str, pos: int) -> int:
        """The text of a script and its kin, up to its end tag."""
        end = self._end_tag(name, pos)
        inside = self._text[pos:end]
        self._tree.text(unescape(inside) if name in ("title", "textarea") else inside)
        return end

    def _end_tag(self, name: str, pos: int) -> int:
        if "</" + name in self._absent:
            return len(self._text)
        found = re.compile("</" + name, re.I).search(self._text, pos)
        if found is None:
            self._absent.add("</" + name)
            return len(self._text)
        return found.start()


def _attributes(inside: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in _ATTRIBUTE.findall(inside):
        if len(found) >= MAX_ATTRIBUTES:
            break
        found.setdefault(name.lower(), unescape(value[1:-1] if value[:1] in "\"'" and value[1:] else value))
    return found
