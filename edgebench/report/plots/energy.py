"""Joules per token, each method, scope and tier in a panel of its own: they are never ranked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from edgebench.report.plots import style
from edgebench.report.plots.plot import (
    CELL,
    CUT,
    WIDE_LABEL,
    Plot,
    bounds,
    cell,
    drawable,
    grouped,
    is_cut,
    key,
    largest,
    nothing,
    told_apart,
    whisker,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.figure import Figure

    from edgebench.analysis.energy import Figure as Joules
    from edgebench.analysis.report_rows import CellRow
    from edgebench.schema.interval import Interval

NAME, TITLE = "energy", "Energy per token"
PANELS, BARS = 6, 12
COLUMNS = (*CELL, "phase", "method", "scope", "tier", "J/token", "low", "high", "W", "idle W")


class Point(NamedTuple):
    row: CellRow
    found: Joules
    per_token: Interval


def plot(cells: Sequence[CellRow]) -> Plot:
    points = [point for row in cells for point in _points(row)]
    if not points:
        return nothing(NAME, TITLE, _why_not(cells))
    kept, notes = largest(grouped(points, _panel), PANELS, "methods")
    kept = {place: sorted(mine, key=_joules)[:BARS] for place, mine in kept.items()}
    drawn = [point for mine in kept.values() for point in mine]
    if len(drawn) < len(points) and not notes:
        notes = (f"Of each method the {BARS} cells with the least energy are drawn.",)
    notes += (CUT,) * any(is_cut(point.per_token) for point in drawn)
    return Plot(
        NAME,
        TITLE,
        "Everything in the scope while the cell ran, other programs included; fewer is better. "
        "Figures of different methods, scopes or tiers say different things: compare within a "
        "panel only. Tier A is an instrument at the plug, B a vendor's counter, C sampled power.",
        COLUMNS,
        tuple(map(_numbers, drawn)),
        notes,
        None,
        partial(_draw, kept),
    )


def _points(row: CellRow) -> Iterator[Point]:
    for found in row.energy:
        if found.joules_per_token and drawable(found.joules_per_token.estimate):
            yield Point(row, found, found.joules_per_token)


def _why_not(cells: Sequence[CellRow]) -> str:
    """What a meter said, where there was one."""
    reasons = [found.reason for row in cells for found in row.energy if found.reason]
    said = f" The first meter says: {reasons[0]}" if reasons else ""
    return f"No cell was metered: edgebench doctor says which meters work here.{said}"


def _panel(point: Point) -> tuple[str, ...]:
    found = point.found
    return found.phase, found.method, found.scope, f"tier {found.quality}"


def _bar(point: Point) -> tuple[str, ...]:
    return key(point.row, "device", "model", "backend", "isa", "threads", "workload", "settings")


def _joules(point: Point) -> float:
    return point.per_token.estimate


def _numbers(point: Point) -> tuple[str | float | None, ...]:
    row, found = point.row, point.found
    watts = found.watts.estimate if found.watts else None
    return (*cell(row), found.phase, found.method, found.scope, found.quality,
            *bounds(point.per_token), watts, found.idle_watts)  # fmt: skip


def _draw(panels: dict[tuple[str, ...], list[Point]]) -> Figure:
    counts = [len(points) for points in panels.values()]
    bars = (_bar(point) for points in panels.values() for point in points)
    labels, shared = told_apart(bars, WIDE_LABEL)
    figure = style.figure(0.3 + sum(0.8 + 0.36 * count for count in counts))
    every = figure.subplots(len(panels), 1, squeeze=False, height_ratios=[1 + c for c in counts])
    for axes, (place, points) in zip(every[:, 0], panels.items(), strict=True):
        ups = list(range(len(points)))[::-1]
        reach = list(zip(*(whisker(point.per_token) for point in points), strict=True))
        axes.errorbar([_joules(point) for point in points], ups, xerr=reach, linestyle="none",
                      marker="o", color=style.COLOURS[0], elinewidth=2.0)  # fmt: skip
        for up, point in zip(ups, points, strict=True):
            axes.text(0, up + 0.2, f" {labels[_bar(point)]}", fontsize=7.5, va="bottom")
        axes.set_title(", ".join(place))
        axes.set_yticks([])
        axes.set_ylim(-0.5, len(points) - 0.1)
        axes.set_xlim(0, max(_joules(p) + whisker(p.per_token)[1] for p in points) * 1.05)
        axes.set_xlabel("J/token")
        axes.grid(visible=False, axis="y")
        style.plain_numbers(axes, "x")
    style.heading(figure, shared if len(labels) > 1 else "")
    return figure
