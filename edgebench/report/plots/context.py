"""Speed as the context grows: decode against depth, prefill against the prompt's length."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.report.plots import style
from edgebench.report.plots.plot import (
    CELL,
    CUT,
    Plot,
    bounds,
    cell,
    drawable,
    grouped,
    is_cut,
    key,
    largest,
    nothing,
    whisker,
)
from edgebench.report.plots.scatter import MOST_SERIES, Mark, lines, looks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.figure import Figure

    from edgebench.analysis.report_rows import CellRow
    from edgebench.schema.interval import Interval

NAME, TITLE = "context", "Speed and context"
AXES = {"decode": "tokens in the KV cache before decoding", "prefill": "prompt tokens"}
COLUMNS = ("phase", *CELL, "tokens", "tok/s", "low", "high")


class Point(NamedTuple):
    phase: str
    row: CellRow
    tokens: int
    rate: Interval


def plot(cells: Sequence[CellRow]) -> Plot:
    """Lines over at least two lengths, in everything else the same."""
    found = grouped((point for row in cells for point in _points(row)), _line)
    growing = {line: points for line, points in found.items() if _lengths(points) > 1}
    if not growing:
        return nothing(NAME, TITLE, "No configuration was measured at two lengths: edgebench run "
                       "--workload pp128,pp1024,tg64,tg64@d1024 does.")  # fmt: skip
    every = grouped((point for points in growing.values() for point in points), _series)
    kept, notes = largest(every, MOST_SERIES, "configurations")
    drawn = [point for points in kept.values() for point in points]
    notes += (CUT,) * any(is_cut(point.rate) for point in drawn)
    return Plot(
        NAME,
        TITLE,
        "Attention reads the whole context at every token, so both rates fall as it grows; how "
        "fast depends on the engine. Whiskers are 95 % intervals over launches.",
        COLUMNS,
        tuple(map(_numbers, drawn)),
        notes,
        None,
        partial(_draw, drawn),
    )


def _points(row: CellRow) -> Iterator[Point]:
    """Scenarios have tokenizing in their times, and several sequences share a step: left out."""
    workload = row.workload
    if workload.scenario or workload.sequences > 1:
        return
    if row.decode and drawable(row.decode.estimate):
        yield Point("decode", row, workload.depth_tokens + workload.prompt_tokens, row.decode)
    if row.prefill and drawable(row.prefill.estimate) and not workload.depth_tokens:
        yield Point("prefill", row, workload.prompt_tokens, row.prefill)


def _lengths(points: Sequence[Point]) -> int:
    return len({point.tokens for point in points})


def _series(point: Point) -> tuple[str, ...]:
    return key(point.row, "device", "model", "backend", "isa", "threads", "settings")


def _line(point: Point) -> tuple[str, ...]:
    """Decoding 16 tokens and 128 of them ends at other depths: another line."""
    output = str(point.row.workload.output_tokens) if point.phase == "decode" else ""
    return (*_series(point), point.phase, output)


def _numbers(point: Point) -> tuple[str | float | None, ...]:
    row = point.row
    return (point.phase, *cell(row), point.tokens, *bounds(point.rate))


def _draw(points: Sequence[Point]) -> Figure:
    phases = [phase for phase in AXES if any(point.phase == phase for point in points)]
    known = looks(map(_series, points))
    figure = style.figure(0.3 + 2.6 * len(phases) + 0.2 * len(known.names))
    handles: dict[tuple[str, ...], Any] = {}
    for axes, phase in zip(figure.subplots(len(phases), 1, squeeze=False)[:, 0], phases,
                           strict=True):  # fmt: skip
        mine = [point for point in points if point.phase == phase]
        for same_output in grouped(mine, _line).values():
            marks = [
                Mark(_series(p), p.tokens, p.rate.estimate, *whisker(p.rate)) for p in same_output
            ]
            handles |= lines(axes, marks, known)
        axes.set_title(phase)
        axes.set_xlabel(AXES[phase])
        axes.set_ylabel("tok/s")
        axes.set_ylim(0, max(p.rate.estimate + whisker(p.rate)[1] for p in mine) * 1.08)
        style.plain_numbers(axes, "x", "y")
    style.heading(figure, known.shared)
    style.legend(figure, list(handles.values()), [known.names[each] for each in handles])
    return figure
