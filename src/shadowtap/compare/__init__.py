"""compare: `Exchange` and `Outcome` in; `Verdict` out, same or a list of differences with the noise taken out.

    Comparison      a whole run: learns noise, compares, groups, judges (findings, learned, latency, conditions)
    compare         one answer with another: status, header fields, body by its type (answers, headers, bodies)
    make_rules      what the user says about noise (rules); `expected` is what follows from replaying
    sessions/       values that the target issued in place of production's, put into later requests

Pure: octets and times in, values out. It refuses to know sockets, and where the answers came from.
"""

from shadowtap.compare.answers import compare
from shadowtap.compare.comparison import Comparison, Result
from shadowtap.compare.conditions import Condition, Judgement, State
from shadowtap.compare.learned import NoiseRule
from shadowtap.compare.mask import Mask, NoMask
from shadowtap.compare.noise_file import read_noise, write_noise
from shadowtap.compare.outputs import as_dict, json_text, junit_text, overall
from shadowtap.compare.rules import Rules, make_rules

__all__ = [
    "Comparison",
    "Condition",
    "Judgement",
    "Mask",
    "NoMask",
    "NoiseRule",
    "Result",
    "Rules",
    "State",
    "as_dict",
    "compare",
    "json_text",
    "junit_text",
    "make_rules",
    "overall",
    "read_noise",
    "write_noise",
]
