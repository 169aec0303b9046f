"""Marks of two quantities, coloured by what they belong to: shared by several plots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeVar

from edgebench.report.plots import style
from edgebench.report.plots.plot import CUT, grouped, is_cut, largest, told_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from matplotlib.axes import Axes

    from edgebench.schema.interval import Interval

Series = tuple[str, ...]
# More series than colours, or more cells of one, say nothing at a glance.
MOST_SERIES, MOST_CELLS = 8, 24


class Rated(Protocol):
    """What stands at a rate with an interval."""

    @property
    def rate(self) -> Interval: ...


R = TypeVar("R", bound=Rated)


def few(
    points: Sequence[R], series: Callable[[R], Series], what: str, *, per_cell: int = 1
) -> tuple[list[R], tuple[str, ...]]:
    """The points that are drawn, and sentences that say which are not and what is cut."""
    kept, notes = largest(grouped(points, series), MOST_SERIES, what)
    most = per_cell * MOST_CELLS
    drawn = [point for mine in kept.values() for point in mine[:most]]
    if any(len(mine) > most for mine in kept.values()):
        notes += (f"Of each, the first {MOST_CELLS} cells are drawn.",)
    return drawn, notes + (CUT,) * any(is_cut(point.rate) for point in drawn)


class Mark(NamedTuple):
    """`low` and `high` are how far the interval of `x` or `y` reaches below and above it."""

    series: Series
    x: float
    y: float
    low: float = 0.0
    high: float = 0.0


class Looks(NamedTuple):
    """The same colour and mark for a series in every panel; `names` are what the legend says."""

    places: dict[Series, int]
    names: dict[Series, str]
    shared: str

    def colour(self, series: Series) -> str:
        return style.COLOURS[self.places[series] % len(style.COLOURS)]

    def mark(self, series: Series) -> str:
        return style.MARKS[self.places[series] % len(style.MARKS)]


def looks(series: Iterable[Series]) -> Looks:
    names, shared = told_apart(series)
    return Looks({each: place for place, each in enumerate(names)}, names, shared)


def scatter(
    axes: Axes, marks: Sequence[Mark], known: Looks, *, along: Literal["x", "y"]
) -> dict[Series, Any]:
    """Marks with whiskers along `x` or `y`; the handles for a legend."""
    handles = {}
    for series in dict.fromkeys(mark.series for mark in marks):
        mine = [mark for mark in marks if mark.series == series]
        reach = [[mark.low for mark in mine], [mark.high for mark in mine]]
        handles[series] = axes.errorbar(
            [mark.x for mark in mine],
            [mark.y for mark in mine],
            xerr=reach if along == "x" else None,
            yerr=reach if along == "y" else None,
            color=known.colour(series),
            marker=known.mark(series),
            linestyle="none",
            elinewidth=1.6,
        )
    return handles


def lines(axes: Axes, marks: Sequence[Mark], known: Looks) -> dict[Series, Any]:
    """The same, joined in the order of `x`."""
    handles = {}
    for series in dict.fromkeys(mark.series for mark in marks):
        mine = sorted(mark for mark in marks if mark.series == series)
        reach = [[mark.low for mark in mine], [mark.high for mark in mine]]
        handles[series] = axes.errorbar(
            [mark.x for mark in mine],
            [mark.y for mark in mine],
            yerr=reach,
            color=known.colour(series),
            marker=known.mark(series),
            elinewidth=1.6,
        )
    return handles
