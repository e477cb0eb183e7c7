"""report: the ledger in, words and numbers for people and machines out.

The same account is shown as a live view, as plain lines, as the exit summary, as JSON and as Prometheus metrics;
messages are written as JSON Lines. Comes in: a `Ledger` that others keep counting in, and the time; nothing here
changes it. Refuses to know where packets come from and how requests are sent.
"""

from typing import Protocol

from shadowtap.ledger import Ledger


class View(Protocol):
    """Who watches a run. All calls come from the event loop's thread and return quickly.

    `start` comes once, with lines that describe the run; `tick` about four times a second; `event` with one-line
    notices, such as "target http://staging:8080 is down: connection refused; trying again every 5 s"; `stop` once
    at the end. Times are wall-clock nanoseconds.
    """

    def start(self, ledger: Ledger, describe: list[str]) -> None: ...
    def tick(self, ledger: Ledger, now_ns: int) -> None: ...
    def event(self, text: str) -> None: ...
    def stop(self, ledger: Ledger, now_ns: int) -> None: ...
