"""Whether targets answer as production did: the table [compare]. docs/comparing.md says what is compared."""

from typing import Any

import msgspec

from shadowtap.compare import Condition, Rules, make_rules
from shadowtap.config.kinds import Switch, Text
from shadowtap.config.tables import keys_of, read_table
from shadowtap.errors import UsageError

Names = tuple[str, ...]
_LISTS = ("ignore", "unordered", "classes", "compare_headers", "ignore_headers", "fail_on")


class CompareSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`reference` is the target that runs production's version; `fail_on` are conditions under which the run has
    failed. `sampling` says whether a share of the answers may go uncompared where comparing cannot keep up. `json`,
    `junit` and `save_noise` are files that are written at the end."""

    enabled: Switch = False
    ignore: Names = ()
    unordered: Names = ()
    tolerance: dict[str, str | float] = {}
    classes: Names | None = None
    compare_headers: Names = ()
    ignore_headers: Names = ()
    shared_state: Switch = False
    sampling: Switch = True
    noise_file: Text | None = None
    reference: Text | None = None
    fail_on: Names = ()
    json: Text | None = None
    junit: Text | None = None
    save_noise: Text | None = None

    @property
    def wanted(self) -> bool:
        """Whether answers are compared: it was said, or something asks for what comes out."""
        return self.enabled or bool(self.fail_on or self.json or self.junit or self.save_noise)


def read_compare(table: object, file: str) -> CompareSettings:
    """The table of a TOML file, checked. UsageError names the file, the key and what is expected."""
    if not isinstance(table, dict):
        raise UsageError(f"{file}: compare: expected a table, such as [compare]")
    plain = keys_of(CompareSettings, without=(*_LISTS, "tolerance"))
    known = {**plain, **{name: (name, Text) for name in (*_LISTS, "tolerance")}}
    values: dict[str, Any] = {
        name: _texts(table[name], f"{file}: compare.{name}") for name in _LISTS if name in table
    }
    if "tolerance" in table:
        values["tolerance"] = _tolerance(table["tolerance"], f"{file}: compare.tolerance")
    rest = {name: value for name, value in table.items() if name not in values}
    settings = CompareSettings(**read_table(rest, known, file, "compare"), **values)
    try:
        rules_of(settings)
        conditions_of(settings)
    except UsageError as error:
        raise UsageError(f"{file}: compare: {error}") from None
    return settings


def rules_of(settings: CompareSettings) -> Rules:
    """What the user says about noise. Raises UsageError."""
    return make_rules(
        ignore=settings.ignore,
        unordered=settings.unordered,
        tolerance=settings.tolerance,
        classes=settings.classes,
        ignore_headers=settings.ignore_headers,
        compare_headers=settings.compare_headers,
        shared_state=settings.shared_state,
    )


def conditions_of(settings: CompareSettings) -> list[Condition]:
    """The conditions under which the run has failed. Raises UsageError, which points at the place."""
    return [_condition(text) for text in settings.fail_on]


def _condition(text: str) -> Condition:
    try:
        return Condition(text)
    except UsageError as error:
        raise UsageError(f"fail-on: {error}") from None


def _texts(value: object, where: str) -> Names:
    several = [value] if isinstance(value, str) else value
    if not isinstance(several, list) or not all(isinstance(text, str) for text in several):
        raise UsageError(f"{where}: expected text in quotes, or a list of such")
    return tuple(several)


def _tolerance(value: object, where: str) -> dict[str, str | float]:
    good = isinstance(value, dict) and all(
        isinstance(n, str | int | float) and not isinstance(n, bool) for n in value.values()
    )
    if not isinstance(value, dict) or not good:
        raise UsageError(f'{where}: expected a table such as {{ "body.price" = 0.01 }}')
    return value
