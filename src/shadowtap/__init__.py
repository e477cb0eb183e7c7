"""shadowtap replays mirrored production traffic live against another environment, and accounts for every request."""

__version__ = "0.1.0"
