"""expression: one small language for every rule and condition, such as `method == GET and path ~ "^/api"`.

Comes in: text, and the fields it may ask for. Goes out: an `Expression`, whose `matches` takes the facts and says
yes or no; or an ExpressionError that points at the character. `parse` is for rules about requests and production's
answers to them; `compile_expression` takes any other fields, such as the figures of a run.

    text ─► parser ─► tree ─► compiler (+ Fields: names, Kinds of values) ─► functions

Refuses to know: what happens to what matches. docs/expressions.md describes the language.
"""

from shadowtap.expression.error import ExpressionError
from shadowtap.expression.expression import Expression, Reason, compile_expression
from shadowtap.expression.fields import Field, Fields, One, Several, field
from shadowtap.expression.kinds import Number, Status, Text
from shadowtap.expression.networks import Network
from shadowtap.expression.requests import FIELDS, parse
from shadowtap.expression.units import DURATION, FACTOR, PLAIN, SHARE, SIZE, WHOLE

__all__ = [
    "DURATION",
    "FACTOR",
    "FIELDS",
    "PLAIN",
    "SHARE",
    "SIZE",
    "WHOLE",
    "Expression",
    "ExpressionError",
    "Field",
    "Fields",
    "Network",
    "Number",
    "One",
    "Reason",
    "Several",
    "Status",
    "Text",
    "compile_expression",
    "field",
    "parse",
]
