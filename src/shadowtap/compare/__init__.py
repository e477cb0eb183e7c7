"""compare: `Exchange` and `Outcome` in; `Verdict` out, same or a list of differences with the noise taken out.

    compare            one answer with another: status, header fields, body by its type (answers, headers, bodies)
    make_rules         what the user says about noise (rules); `expected` is what follows from replaying

Pure: octets and times in, values out. It refuses to know sockets, and where the answers came from.
"""

from shadowtap.compare.answers import compare
from shadowtap.compare.rules import Rules, make_rules

__all__ = ["Rules", "compare", "make_rules"]
