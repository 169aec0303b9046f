"""Quality against speed: what a smaller format costs, and what it brings."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.analysis.labels import SYNTHETIC
from edgebench.report.plots import style
from edgebench.report.plots.plot import (
    CELL,
    Plot,
    bounds,
    cell,
    drawable,
    grouped,
    key,
    nothing,
    whisker,
)
from edgebench.report.plots.scatter import Mark, few, looks, scatter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.figure import Figure

    from edgebench.analysis.report_rows import CellRow
    from edgebench.schema.interval import Interval

NAME, TITLE = "quality", "Quality against speed"
WIDE = 10.0
UNTRAINED = "Perplexity of synthetic weights, which know no language, is not drawn."
PERPLEXITY, KL = "perplexity", "mean KL from the float32 reference, nats"
COLUMNS = (*CELL, "tok/s", "low", "high", "measured", "value", "positions", "on the front")


class Point(NamedTuple):
    row: CellRow
    rate: Interval
    measure: str
    value: float
    positions: int


def plot(cells: Sequence[CellRow]) -> Plot:
    """Perplexity and mean KL of the verification, against decode speed."""
    points = [point for row in cells for point in _points(row)]
    if not points:
        return nothing(NAME, TITLE, "No cell has both a decode speed and a verification: run a "
                       "workload that decodes, such as tg128.")  # fmt: skip
    drawn, notes = few(points, _series, "devices and models", per_cell=2)
    notes += (UNTRAINED,) * any(point.row.model.endswith(SYNTHETIC) for point in drawn)
    least = min(point.positions for point in drawn)
    return Plot(
        NAME,
        TITLE,
        "Right is faster, down is better. Perplexity compares formats of one model; KL compares an "
        "engine with a float32 computation on its own weights. Both come from the verification, "
        f"over at least {least} positions of one text: a check of the output, not a ranking of "
        "models. The line joins the cells of one device that no other of its cells beats in both. "
        "Workloads of several streams at once are left out.",
        COLUMNS,
        tuple(_numbers(point, _front(_rivals(point, drawn))) for point in drawn),
        notes,
        None,
        partial(_draw, drawn),
    )


def _points(row: CellRow) -> Iterator[Point]:
    """Of one stream: several at once are faster together and no better, and would be the front."""
    if row.workload.sequences > 1:
        return
    if row.quality is None or row.decode is None or not drawable(row.decode.estimate):
        return
    for measure, value in ((PERPLEXITY, row.quality.perplexity), (KL, row.quality.mean_kl)):
        says = measure != PERPLEXITY or not row.model.endswith(SYNTHETIC)
        if says and value is not None and drawable(value):
            yield Point(row, row.decode, measure, value, row.quality.positions)


def _series(point: Point) -> tuple[str, ...]:
    return key(point.row, "device", "model")


def _rivals(point: Point, points: Sequence[Point]) -> list[Point]:
    return [p for p in points if p.row.device == point.row.device and p.measure == point.measure]


def _front(points: Sequence[Point]) -> list[Point]:
    """Those that none beats in both, the fastest first (Pareto's front)."""
    front: list[Point] = []
    for point in sorted(points, key=lambda each: (-each.rate.estimate, each.value)):
        if not front or point.value < front[-1].value:
            front.append(point)
    return front


def _numbers(point: Point, front: Sequence[Point]) -> tuple[str | float | None, ...]:
    row, found = point.row, bounds(point.rate)
    measure = (point.measure, point.value, point.positions)
    return (*cell(row), *found, *measure, "yes" if point in front else "no")


def _draw(points: Sequence[Point]) -> Figure:
    measures = [each for each in (PERPLEXITY, KL) if any(p.measure == each for p in points)]
    known = looks(map(_series, points))
    figure = style.figure(0.3 + 2.7 * len(measures) + 0.2 * len(known.names))
    handles: dict[tuple[str, ...], Any] = {}
    for axes, measure in zip(figure.subplots(len(measures), 1, squeeze=False)[:, 0], measures,
                             strict=True):  # fmt: skip
        mine = [point for point in points if point.measure == measure]
        for rivals in grouped(mine, lambda point: (point.row.device,)).values():
            front = _front(rivals)
            axes.plot([p.rate.estimate for p in front], [p.value for p in front],
                      color=style.SOFT, linewidth=1.0, drawstyle="steps-post")  # fmt: skip
        marks = [Mark(_series(p), p.rate.estimate, p.value, *whisker(p.rate)) for p in mine]
        handles |= scatter(axes, marks, known, along="x")
        axes.set_title(measure)
        axes.set_xlabel("decode tok/s")
        values = [point.value for point in mine]
        axes.set_yscale("log" if max(values) > WIDE * min(values) else "linear")
        style.plain_numbers(axes, "x", "y")
    style.heading(figure, known.shared)
    style.legend(figure, list(handles.values()), [known.names[each] for each in handles])
    return figure
