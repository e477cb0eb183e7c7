"""What frozen values have in common that are made for every packet or every message, and so are compiled."""

from typing import Any, Self, TypeVar

import msgspec


class Value:
    """Equal to another one of its kind with the same fields. A kind names its fields, in the order in which they are
    given, in `__match_args__`; nobody changes them."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return _fields(self) == _fields(other)

    def __hash__(self) -> int:
        return hash(_fields(self))

    def __repr__(self) -> str:
        names = type(self).__match_args__  # type: ignore[attr-defined]
        told = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__name__}({told})"

    def __replace__(self, **changes: Any) -> Self:
        """The same with other values in some fields."""
        names = type(self).__match_args__  # type: ignore[attr-defined]
        fields = {name: getattr(self, name) for name in names}
        return type(self)(**(fields | changes))


V = TypeVar("V")


def _fields(value: Any) -> tuple[Any, ...]:
    return tuple([getattr(value, name) for name in type(value).__match_args__])


def replace(value: V, **changes: Any) -> V:
    """The same value with others in some fields; any of those that cross borders."""
    if isinstance(value, Value):
        return value.__replace__(**changes)
    return msgspec.structs.replace(value, **changes)  # type: ignore[type-var]
