"""Whether a cell's times had settled. Nothing is left out of any figure for it.

One of four words, as in Barrett et al., "Virtual machine warmup blows hot and cold",
OOPSLA 2017 (arXiv:1602.00602), who classify instead of dropping the first k:

- `warming` or `slowing`: times fall or rise by more than 5 % (as close as pyperf's warm-up
  calibration wants the quartiles of two halves), and p is below 0.01. Either over the rounds
  (Mann-Kendall test of the launches in order, which needs six of them), or within launches (later
  against earlier trials, Student's t over launches). A first launch 5 % above the median of all and
  above Q3 + 3 IQR is `warming` too (Tukey's outer fence: of simulated cells of five launches that
  scatter by 7 % and do not warm, it takes 2 in 100 for warming, the inner one at 1.5 IQR 4).
- `unstable`: no such direction, or two opposite ones, and trials have a standard deviation of 10 %,
  or one launch is half off their mean (the limits of pyperf's warnings).
- `steady`: none of these in six launches or more. Fewer could show no trend over the rounds.

A decode step takes longer the deeper it is in the context, so each half of a trial's steps is
compared with the same steps of other trials, and never with its own other half.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Literal, NamedTuple

from edgebench.analysis import metrics, stats
from edgebench.analysis.labels import cell_label
from edgebench.analysis.variance import Spread, relative_deviation, spread
from edgebench.schema.note import Note

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgebench.schema.launch import Launch, Trial
    from edgebench.schema.result import CellResult, Result

    Course = Literal["steady", "warming", "slowing", "unstable"]
    Phase = Literal["prefill", "decode"]
    # One launch: its trials in order; a trial: logarithms of the times of its parts.
    Logs = Sequence[Sequence[float]]

CHANGE = 0.05
SURPRISING = 0.01
FENCE_IQR = 3.0
SCATTER = 0.10
OUTLYING = 0.50
TELLING_LAUNCHES, FENCED_LAUNCHES = 6, 5
MOST_NAMED = 2
REMEDIES = {
    "warming": "warm-up was not over, or something else was ending. Repeat the run, with "
    "--wait-quiet 5m where others were busy.",
    "slowing": "the machine got hot or busier. See edgebench doctor for throttling, let it cool, "
    "and repeat.",
    "unstable": "find what else runs (--wait-quiet 5m), keep threads on CPUs of their own (--cpus),"
    " or allow more --launches.",
}


class Found(NamedTuple):
    """A course, and how far: relative change in time of a trend, else the relative deviation.

    `where` says of a trend what it runs through.
    """

    course: Course
    size: float
    where: str = ""


def course(launches: Sequence[Logs]) -> Found | None:
    """What the launches, in the order of their rounds, say by the rules above; None: too few.

    Every trial has the same parts: a prefill one, a decode the halves of its steps.
    """
    known = [launch for launch in launches if launch]
    if not known:
        return None
    levels = [statistics.median(map(_level, launch)) for launch in known]
    looked = {
        "over the rounds": _over_rounds(levels),
        "within launches": _within_launches(known),
        "after the first launch": _first(levels),
    }
    changes = {where: change for where, change in looked.items() if change}
    if changes and (min(changes.values()) > 0 or max(changes.values()) < 0):
        where, largest = max(changes.items(), key=lambda found: abs(found[1]))
        return Found("slowing" if largest > 0 else "warming", math.expm1(largest), where)
    scatter = _scatter([_level(trial) for launch in known for trial in launch])
    off = max(abs(math.expm1(level - statistics.fmean(levels))) for level in levels)
    if changes or scatter >= SCATTER or off >= OUTLYING:
        return Found("unstable", max(scatter, off, *map(abs, changes.values())))
    return Found("steady", scatter) if len(known) >= TELLING_LAUNCHES else None


def spread_of(cell: CellResult) -> Spread:
    """Of the rate that progress shows: decode where there is any, else prefill."""
    if not metrics.may_show_speed(cell):
        return Spread(None, None)
    phase = phases(cell)[-1]
    counted = [_counted(launch, phase) for launch in cell.launches]
    return spread([[math.log(sum(parts)) for parts in trials] for trials in counted])


def courses(cell: CellResult) -> dict[Phase, Found]:
    """Of each phase that the cell has, where it can be told and where speeds are shown."""
    present = phases(cell) if metrics.may_show_speed(cell) else ()
    found = {phase: course(_times(cell, phase)) for phase in present}
    return {phase: known for phase, known in found.items() if known}


def notes(result: Result) -> Iterator[Note]:
    """One per course that is not steady and cell; of many cells, only the worst is named."""
    seen = [
        (f"{cell_label(entry.cell, result.files)}, {phase}", one)
        for entry in result.cells
        for phase, one in courses(entry).items()
    ]
    for name, remedy in REMEDIES.items():
        found = [(cell, one) for cell, one in seen if one.course == name]
        if len(found) > MOST_NAMED:
            cell, worst = max(found, key=lambda pair: abs(pair[1].size))
            found = [(f"{cell}, and {len(found) - 1} others less", worst)]
        for cell, one in found:
            yield Note(name=name, message=f"{cell}: {_said(one)}: {remedy}")


def _said(found: Found) -> str:
    if found.course == "unstable":
        return f"times scatter by {found.size:.0%} without direction"
    return f"times {'rose' if found.size > 0 else 'fell'} by {abs(found.size):.0%} {found.where}"


def phases(cell: CellResult) -> tuple[Phase, ...]:
    """What the workload has of prefill and decode, in this order."""
    workload = cell.cell.workload
    prefill: tuple[Phase, ...] = ("prefill",) if workload.prompt_tokens else ()
    return (*prefill, "decode") if workload.output_tokens else prefill


def _times(cell: CellResult, phase: Phase) -> list[Logs]:
    launches = sorted(cell.launches, key=lambda launch: launch.round)
    counted = [_counted(launch, phase) for launch in launches]
    logs = [[list(map(math.log, parts)) for parts in trials] for trials in counted]
    return [_without_profile(launch, logs) for launch in logs if launch]


def _counted(launch: Launch, phase: Phase) -> list[list[int]]:
    """Nanoseconds of the parts of each trial but the warm-up; 0 ns would have no logarithm."""
    found = [_parts(trial, phase) for trial in launch.trials if not trial.warmup]
    return [parts for parts in found if parts and all(parts)]


def _parts(trial: Trial, phase: Phase) -> list[int]:
    if phase == "prefill":
        return [trial.prefill_ns or 0]
    half = len(trial.step_ns) // 2
    return [sum(part) for part in (trial.step_ns[:half], trial.step_ns[half:]) if part]


def _without_profile(launch: Logs, launches: Sequence[Logs]) -> Logs:
    """What the parts of a trial take on average, depth and all, says nothing about its course."""
    trials = [trial for other in launches for trial in other]
    profile = [statistics.fmean(parts) for parts in zip(*trials, strict=False)]
    return [[part - mean for part, mean in zip(t, profile, strict=False)] for t in launch]


def _level(trial: Sequence[float]) -> float:
    return statistics.fmean(trial)


def _over_rounds(levels: Sequence[float]) -> float | None:
    """Log change from the first half of the launches to the second, where it is a trend."""
    half = len(levels) // 2
    if not half or mann_kendall(levels) >= SURPRISING:
        return None
    change = statistics.fmean(levels[-half:]) - statistics.fmean(levels[:half])
    return change if _large(change) else None


def _within_launches(launches: Sequence[Logs]) -> float | None:
    """Log change from the earlier to the later half of a launch's parts, where launches agree."""
    parts = [[part for trial in launch for part in trial] for launch in launches]
    series = [part for part in parts if len(part) > 1]
    halves = [len(part) // 2 for part in series]
    early = [math.exp(statistics.fmean(s[:n])) for s, n in zip(series, halves, strict=True)]
    late = [math.exp(statistics.fmean(s[-n:])) for s, n in zip(series, halves, strict=True)]
    found = stats.paired(early, late)
    if found is None or not _large(found.estimate) or found.p_two_sided() >= SURPRISING:
        return None
    return found.estimate


def _first(levels: Sequence[float]) -> float | None:
    """Log change from a first launch that stands out to the median; always a fall."""
    low, middle, high = (stats.quantile(levels, share) for share in (0.25, 0.5, 0.75))
    if len(levels) < FENCED_LAUNCHES or low is None or middle is None or high is None:
        return None
    change = middle - levels[0]
    outside = levels[0] > high + FENCE_IQR * (high - low)
    return change if outside and change < 0 and _large(change) else None


def mann_kendall(values: Sequence[float]) -> float:
    """Two-sided p value of "no trend": normal approximation, corrected for continuity.

    Kendall, "Rank correlation methods", 4th edition 1975, chapter 4. Of few values it is larger
    than the exact one, so trends are missed rather than made up.
    """
    n = len(values)
    score = sum((b > a) - (b < a) for i, a in enumerate(values) for b in values[i + 1 :])
    if not score:
        return 1.0
    deviation = math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    return math.erfc((abs(score) - 1) / deviation / math.sqrt(2))


def _large(change: float) -> bool:
    return abs(change) > math.log1p(CHANGE)


def _scatter(logs: Sequence[float]) -> float:
    return relative_deviation(statistics.variance(logs)) if len(logs) > 1 else 0.0
