"""A file of hooks, and everything it says."""

import textwrap

from shadowtap.hooks import Hooks


class Clock:
    """Nanoseconds that move when told to, or by `step` at each look."""

    def __init__(self):
        self.now = 0
        self.step = 0

    def __call__(self):
        self.now += self.step
        return self.now


class Hooked:
    """Hooks from source text. `said` are the notices."""

    def __init__(self, folder, source, **more):
        self.file = folder / "hooks.py"
        self.file.write_text(textwrap.dedent(source))
        self.said: list[str] = []
        self.clock = Clock()
        self.hooks = Hooks(str(self.file), notify=self.said.append, clock=self.clock, **more)

    def __call__(self, asked):
        """What becomes of a request."""
        return self.hooks.request(asked)
