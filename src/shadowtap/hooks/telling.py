"""What is said of an exception in a user's function: production's secrets must not get into a log that way.

The text of an exception often quotes what was looked at. What it quotes is shown where it stands in the user's own
file, such as the name of a field, and else is three dots; the rest is masked by whoever knows how.
"""

import re
from collections.abc import Callable

SHOWN = 300
"""Characters of an exception's text that are shown."""
_QUOTED = re.compile(r"""b?(?P<sign>['"])(?P<held>(?:\\.|(?!(?P=sign)).)*)(?:(?P=sign)|\Z)""", re.DOTALL)


def told(error: BaseException, source: str, mask: Callable[[str], str]) -> str:
    """The exception's name and text in one line; `source` is the user's file."""

    def shown(quoted: re.Match[str]) -> str:
        return quoted[0] if quoted["held"] in source else f"{quoted['sign']}…{quoted['sign']}"

    text = mask(_QUOTED.sub(shown, str(error)))
    return f"{type(error).__name__}: {' '.join(text.split())[:SHOWN]}"
