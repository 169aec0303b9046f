"""Speed against what the machine's memory and arithmetic allow."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.report.plots import style
from edgebench.report.plots.plot import CELL, Plot, bounds, cell, drawable, key, nothing, whisker
from edgebench.report.plots.scatter import Mark, few, looks, scatter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from edgebench.analysis.report_rows import Ceiling, CellRow
    from edgebench.schema.interval import Interval

NAME, TITLE = "roofline", "Speed against bandwidth"
PHASES = {"decode": "memory bandwidth", "prefill": "arithmetic"}
SHARES = (1.0, 0.5, 0.25)
COLUMNS = ("phase", *CELL, "most tok/s", "tok/s", "low", "high", "share", "in cache")


class Point(NamedTuple):
    phase: str
    row: CellRow
    rate: Interval
    ceiling: Ceiling


def plot(cells: Sequence[CellRow]) -> Plot:
    """A panel for decode against bandwidth and one for prefill against arithmetic."""
    points = [point for row in cells for point in _points(row)]
    if not points:
        return nothing(NAME, TITLE, "No record says what its machine can do at most: run edgebench "
                       "roofline first, and edgebench run after it.")  # fmt: skip
    drawn, notes = few(points, _series, "devices and engines")
    return Plot(
        NAME,
        TITLE,
        "Across: the most tokens per second that the measured ceiling of that machine allows with "
        "the bytes (decode) or operations (prefill) of a token. Up: what was measured. Dashed: "
        "100, 50 and 25 % of the ceiling. Weights that fit into the cache may lie above it.",
        COLUMNS,
        tuple(map(_numbers, drawn)),
        notes,
        None,
        partial(_draw, drawn),
    )


def _points(row: CellRow) -> Iterator[Point]:
    for phase, rate, ceiling in (
        ("decode", row.decode, row.decode_ceiling),
        ("prefill", row.prefill, row.prefill_ceiling),
    ):
        if rate and ceiling and drawable(rate.estimate) and drawable(ceiling.most_tok_s):
            yield Point(phase, row, rate, ceiling)


def _series(point: Point) -> tuple[str, ...]:
    return key(point.row, "device", "backend", "model")


def _numbers(point: Point) -> tuple[str | float | None, ...]:
    row, most = point.row, point.ceiling.most_tok_s
    share = point.rate.estimate / most
    cached = "yes" if point.ceiling.cached else "no"
    return (point.phase, *cell(row), most, *bounds(point.rate), share, cached)


def _draw(points: Sequence[Point]) -> Figure:
    phases = [phase for phase in PHASES if any(point.phase == phase for point in points)]
    known = looks(map(_series, points))
    figure = style.figure(0.4 + 3.0 * len(phases) + 0.2 * len(known.names))
    handles: dict[tuple[str, ...], Any] = {}
    for axes, phase in zip(figure.subplots(len(phases), 1, squeeze=False)[:, 0], phases,
                           strict=True):  # fmt: skip
        mine = [point for point in points if point.phase == phase]
        marks = [
            Mark(_series(p), p.ceiling.most_tok_s, p.rate.estimate, *whisker(p.rate)) for p in mine
        ]
        handles |= scatter(axes, marks, known, along="y")
        _roof(axes, marks)
        axes.set_title(f"{phase}, bound by {PHASES[phase]}")
        axes.set_xlabel("tok/s allowed by the ceiling")
        axes.set_ylabel("tok/s measured")
    style.heading(figure, known.shared)
    style.legend(figure, list(handles.values()), [known.names[each] for each in handles])
    return figure


def _roof(axes: Axes, marks: Sequence[Mark]) -> None:
    """The dashed lines, over what the marks span; both axes logarithmic."""
    low, high = min(mark.x for mark in marks) / 2, max(mark.x for mark in marks) * 2
    for share in SHARES:
        axes.plot([low, high], [low * share, high * share], color=style.SOFT, linewidth=0.9,
                  linestyle="--", alpha=share)  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    style.plain_numbers(axes, "x", "y")
