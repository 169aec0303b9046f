"""Speed by instruction set: what each step of the ladder brings on one machine."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.analysis import isa_order
from edgebench.report.plots import style
from edgebench.report.plots.plot import (
    CUT,
    TITLE_LENGTH,
    Plot,
    bounds,
    drawable,
    grouped,
    is_cut,
    key,
    label,
    largest,
    nothing,
    told_apart,
    whisker,
)
from edgebench.schema.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from edgebench.analysis.report_rows import CellRow

NAME, TITLE = "ladder", "Speed by instruction set"
PANELS, SERIES = 6, 4
WIDE = 30.0
COLUMNS = ("device", "model", "backend", "threads", "test", "ISA", "measured", "value", "low",
           "high", "launches")  # fmt: skip
SPEED, COUNTED = "tok/s", "M instructions per token"


class Step(NamedTuple):
    row: CellRow
    test: str
    unit: str
    value: Interval


Panels = dict[tuple[str, ...], list[Step]]


def plot(cells: Sequence[CellRow]) -> Plot:
    """A panel per device, engine and phase; models are its series."""
    panels = grouped((step for row in cells for step in _steps(row)), _panel)
    climbing = {place: steps for place, steps in panels.items() if _isas(steps) > 1}
    if not climbing:
        return nothing(NAME, TITLE, "No device has one model on two instruction sets: "
                       "edgebench run --isa ladder measures them.")  # fmt: skip
    kept, notes = largest(climbing, PANELS, "panels")
    kept = {place: _few(steps) for place, steps in kept.items()}
    drawn = [step for steps in kept.values() for step in steps]
    left = sum(map(len, climbing.values())) - len(drawn)
    if left and not notes:
        notes = (f"{left} marks of further models are only in the table of cells.",)
    if any(is_cut(step.value) for step in drawn):
        notes += (CUT,)
    return Plot(
        NAME,
        TITLE,
        "Each row is an instruction set that the engine was held to, the plainest at the bottom; "
        "whiskers are 95 % intervals over launches. On an emulated CPU no speed is shown: "
        "executed instructions per token, where fewer is better.",
        COLUMNS,
        tuple(map(_numbers, drawn)),
        notes,
        None,
        partial(_draw, kept),
    )


def _steps(row: CellRow) -> Iterator[Step]:
    workload = row.workload
    for phase, tokens, rate, counted in (
        ("pp", workload.prompt_tokens, row.prefill, row.instructions_per_prompt_token),
        ("tg", workload.output_tokens, row.decode, row.instructions_per_output_token),
    ):
        both = workload.prompt_tokens and workload.output_tokens
        test = f"{phase}{tokens} of {workload.name}" if both else workload.name
        if rate is not None and drawable(rate.estimate):
            yield Step(row, test, SPEED, rate)
        elif counted is not None and drawable(counted / 1e6):
            exact = Interval(estimate=counted / 1e6, low=None, high=None, launches=row.launches)
            yield Step(row, test, COUNTED, exact)


def _panel(step: Step) -> tuple[str, ...]:
    return (*key(step.row, "device", "backend", "threads"), step.test, step.unit)


def _series(step: Step) -> tuple[str, ...]:
    return key(step.row, "model", "settings")


def _isas(steps: Iterable[Step]) -> int:
    return max(
        len({step.row.isa for step in series}) for series in grouped(steps, _series).values()
    )


def _few(steps: Sequence[Step]) -> list[Step]:
    kept, _ = largest(grouped(steps, _series), SERIES, "models")
    return sorted(
        (step for series in kept.values() for step in series),
        key=lambda step: (_series(step), isa_order.place(step.row.isa)),
    )


def _numbers(step: Step) -> tuple[str | float | None, ...]:
    row = step.row
    named = (row.device, row.model_and_settings, row.engine)
    measured = (*named, row.threads, step.test, row.isa, step.unit)
    return (*measured, *bounds(step.value), step.value.launches)


def _draw(panels: Panels) -> Figure:
    rungs = [sorted({s.row.isa for s in steps}, key=isa_order.place) for steps in panels.values()]
    titles, shared = told_apart((place[:3] for place in panels), TITLE_LENGTH)
    models, common = told_apart(_series(step) for steps in panels.values() for step in steps)
    figure = style.figure(0.7 + sum(0.85 + 0.3 * len(isas) for isas in rungs) + 0.2 * len(models))
    every = figure.subplots(
        len(panels), 1, squeeze=False, height_ratios=[1.6 + len(isas) for isas in rungs]
    )
    colours = {series: place for place, series in enumerate(models)}
    handles: dict[tuple[str, ...], Any] = {}
    for axes, (place, steps), isas in zip(every[:, 0], panels.items(), rungs, strict=True):
        handles |= _panel_on(axes, steps, isas, colours)
        _, _, _, test, unit = place
        axes.set_title(_title(titles[place[:3]] if len(titles) > 1 else "", test))
        axes.set_xlabel(unit)
    style.heading(figure, _heading(shared, common, len(models)))
    style.legend(figure, [handles[each] for each in models], list(models.values()))
    return figure


def _title(where: str, test: str) -> str:
    """On one line, where it fits."""
    line = ", ".join(filter(None, (where, test)))
    return line if len(line) <= TITLE_LENGTH else f"{where}\n{test}"


def _heading(shared: str, common: str, models: int) -> str:
    """What all panels have in common, told once; of a single panel, its title says it."""
    parts = [shared, common if models == 1 else ""]
    return " · ".join(filter(None, parts))


def _panel_on(
    axes: Axes, steps: Sequence[Step], isas: list[str], colours: dict[tuple[str, ...], int]
) -> dict[tuple[str, ...], Any]:
    handles = {}
    present = list(grouped(steps, _series).items())
    for number, (series, marks) in enumerate(present):
        shift = (number - (len(present) - 1) / 2) * 0.18
        ups = [isas.index(step.row.isa) + shift for step in marks]
        values = [step.value.estimate for step in marks]
        place = colours[series] % len(style.COLOURS)
        reach = list(zip(*(whisker(step.value) for step in marks), strict=True))
        handles[series] = axes.errorbar(
            values, ups, xerr=reach, color=style.COLOURS[place], marker=style.MARKS[place],
            linestyle="-", linewidth=0.8, elinewidth=2.2,
        )  # fmt: skip
    axes.set_yticks(range(len(isas)), [label(isa, 18) for isa in isas])
    axes.set_ylim(-0.6, len(isas) - 0.4)
    every = [step.value.estimate for step in steps]
    if max(every) > WIDE * min(every):
        axes.set_xscale("log")
    else:
        axes.set_xlim(0, max(s.value.estimate + whisker(s.value)[1] for s in steps) * 1.08)
    style.plain_numbers(axes, "x")
    return handles
