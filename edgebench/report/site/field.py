"""One field of a table: what it says, what it sorts by, and what stands small below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench.report.comparison_figures import significant

if TYPE_CHECKING:
    from edgebench.schema.interval import Interval

NONE = "-"
# Of a stranger's text: a name of a megabyte would be one in every row.
LONGEST = 120


class Field(NamedTuple):
    """`value` is the full number behind `text`; `mark` a class of the stylesheet; `link` an
    address that is encoded already.
    """

    text: str
    value: float | int | None = None
    note: str = ""
    mark: str = ""
    link: str = ""


def text(value: str | None, note: str = "", mark: str = "") -> Field:
    return Field(cut(value) if value else NONE, note=cut(note), mark=mark)


def number(value: float | None, shown: str | None = None, note: str = "") -> Field:
    """A number to sort by; `shown` where it is written in another unit."""
    if value is None:
        return Field(NONE, note=note, mark="n")
    return Field(written(value) if shown is None else shown, value, note)


def interval(found: Interval | None, scale: float = 1.0, unit: str = "") -> Field:
    """The estimate, and below it the bounds and the number of launches."""
    if found is None:
        return Field(NONE, mark="n")
    low, high = found.low, found.high
    reach = (
        f"{written(low * scale)} - {written(high * scale)} "
        if low is not None and high is not None
        else ""
    )
    shown = f"{written(found.estimate * scale)}{unit}"
    return Field(shown, found.estimate, f"{reach}(n={found.launches})")


def written(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    return f"{value:.0f}" if 1000 <= abs(value) < 1e7 else significant(value)


def cut(words: str) -> str:
    return words if len(words) <= LONGEST else f"{words[: LONGEST // 2]}…{words[-LONGEST // 2 :]}"
