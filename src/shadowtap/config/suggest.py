"""What to say behind a word that is not known: the nearest one that is, or all there are."""

from collections.abc import Iterable
from difflib import get_close_matches


def suggest(word: str, known: Iterable[str]) -> str:
    """Half a sentence: `did you mean "idle"?`, or `there are "flows", "http"`."""
    words = list(known)
    near = get_close_matches(word, words, 1, 0.6)
    quoted = ", ".join(f'"{name}"' for name in words)
    return f'did you mean "{near[0]}"?' if near else f"there are {quoted}"
