"""page: what a run or a recording showed, as one HTML page that needs nothing else.

Comes in: a `Report`, which holds the account (as `--summary` writes it), the findings (as `--compare-json` writes
them) and the traffic (what `Traffic` gathered of observations, in bounded memory). Goes out: HTML with its styles,
script and figures inside; charts are SVG made here, so that the page works and prints without its script, which only
filters, sorts and points. Pure: it refuses to know where the values came from; whoever gives them has masked them.

Whatever a value holds, it is text here: only `html.tag` makes markup, and the page's own policy (CSP, by digest)
runs no script and takes no style but ours.
"""

from shadowtap.report.page.account import account_from
from shadowtap.report.page.page import page, parts, policy
from shadowtap.report.page.traffic import Traffic
from shadowtap.report.page.values import EndpointTraffic, Report, Side, TrafficSeen

__all__ = [
    "EndpointTraffic",
    "Report",
    "Side",
    "Traffic",
    "TrafficSeen",
    "account_from",
    "page",
    "parts",
    "policy",
]
