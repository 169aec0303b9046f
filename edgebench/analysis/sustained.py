"""What minutes of looping did to speed, heat and power: the first minute against the last.

A loop belongs to the window that its middle lies in. Means of speeds are geometric, as everywhere.
"""

from __future__ import annotations

import math
import statistics
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from edgebench.analysis import stats
from edgebench.analysis.correlated import change
from edgebench.schema.sustained import SpeedCourse, SustainedSummary, WattsCourse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgebench.schema.sustained import Conditions, PowerCourse, Sustained
    from edgebench.schema.workload import Workload

NS = 1e-9
WINDOW_S = 60.0


class Spent(NamedTuple):
    """CPU seconds of a loop, user and system together; its instructions are not counted."""

    cpu_user_s: float
    cpu_system_s: float = 0.0
    instructions_retired: None = None


class Loop(NamedTuple):
    """One loop in the words of a trial: `step_ns` holds all its decode steps as one."""

    tokenize_ns: int | None
    prefill_ns: int | None
    sample_ns: tuple[int, ...] | None
    step_ns: tuple[int, ...]
    counters: Spent


def loops(looped: Sustained) -> list[Loop]:
    nothing = [None] * len(looped.started_ns)
    columns = zip(
        looped.tokenize_ns or nothing,
        looped.prefill_ns or nothing,
        looped.first_sample_ns or nothing,
        looped.decode_ns or nothing,
        looped.cpu_s,
        strict=True,
    )
    return [
        Loop(
            tokenize_ns=tokenize,
            prefill_ns=prefill,
            sample_ns=None if sample is None else (sample,),
            step_ns=(decode,) if decode else (),
            counters=Spent(cpu_s),
        )
        for tokenize, prefill, sample, decode, cpu_s in columns
    ]


def summary(
    found: Sequence[Sustained], workload: Workload, *, speeds: bool
) -> SustainedSummary | None:
    """Of all looped launches of a cell: speeds over launches, the rest of the last one.

    Without `speeds` (output that is not known to be right) no speed is given.
    """
    if not found:
        return None
    last = found[-1]
    window_s = _window_s(last)
    seen = _Seen(last.conditions, *_edges(last, window_s)) if last.conditions else None
    return SustainedSummary(
        looped_s=_looped_s(last),
        window_s=window_s,
        loops=sum(len(each.started_ns) for each in found),
        prefill=_speed(found, "prefill", workload) if speeds else None,
        decode=_speed(found, "decode", workload) if speeds else None,
        first_temperature_c=seen.mean("temperature_c", last=False) if seen else None,
        last_temperature_c=seen.mean("temperature_c", last=True) if seen else None,
        highest_temperature_c=seen.extreme("temperature_c", max) if seen else None,
        first_frequency_khz=seen.mean("frequency_khz", last=False) if seen else None,
        last_frequency_khz=seen.mean("frequency_khz", last=True) if seen else None,
        lowest_frequency_khz=seen.extreme("frequency_khz", min) if seen else None,
        throttled_share=throttled_share(last.conditions),
        watts=tuple(told for each in last.power if (told := _watts(each, *_edges(last, window_s)))),
    )


def throttled_share(conditions: Conditions | None) -> float | None:
    """Share of looks at which a counter had moved or something said that CPUs were held back.

    Looks at which nothing was told count neither way.
    """
    if conditions is None:
        return None
    counts = conditions.throttle_count or ()
    moved = [None, *(None if a is None or b is None else b > a for a, b in pairwise(counts))]
    signs = (moved if counts else None, conditions.cooling_state, conditions.firmware_throttled)
    columns = [column for column in signs if column is not None]
    looks = [any(each) for each in zip(*columns, strict=True) if each.count(None) < len(each)]
    return sum(looks) / len(looks) if looks else None


class _Seen(NamedTuple):
    """Looks at sensors, with the end of the first window and the begin of the last."""

    conditions: Conditions
    first_ends_ns: int
    last_begins_ns: int

    def mean(self, name: str, *, last: bool) -> float | None:
        values = [
            value
            for moment, value in self._known(name)
            if (moment >= self.last_begins_ns if last else moment <= self.first_ends_ns)
        ]
        return statistics.fmean(values) if values else None

    def extreme(self, name: str, which: Callable[[list[float]], float]) -> float | None:
        values = [value for _, value in self._known(name)]
        return which(values) if values else None

    def _known(self, name: str) -> list[tuple[int, float]]:
        column = getattr(self.conditions, name) or ()
        pairs = zip(self.conditions.times_ns, column, strict=False)
        return [(moment, value) for moment, value in pairs if value is not None]


def _looped_s(looped: Sustained) -> float:
    return (looped.started_ns[-1] + looped.wall_ns[-1] - looped.started_ns[0]) * NS


def _window_s(looped: Sustained) -> float:
    return min(WINDOW_S, _looped_s(looped) / 2)


def _edges(looped: Sustained, window_s: float) -> tuple[int, int]:
    """When the first window ends and when the last begins."""
    end = looped.started_ns[-1] + looped.wall_ns[-1]
    return looped.started_ns[0] + round(window_s / NS), end - round(window_s / NS)


def _speed(found: Sequence[Sustained], phase: str, workload: Workload) -> SpeedCourse | None:
    """Over launches where several have an estimate, else over the loops of the one."""
    each = [told for one in found if (told := _of_launch(one, phase, workload))]
    if len(each) < 2:
        return each[0] if each else None
    ratio = stats.interval([one.last_over_first for one in each])
    first, last = (
        stats.interval([getattr(one, name) for one in each])
        for name in ("first_tok_s", "last_tok_s")
    )
    if ratio is None or first is None or last is None:
        return None
    return SpeedCourse(
        first_tok_s=first.estimate,
        last_tok_s=last.estimate,
        last_over_first=ratio.estimate,
        low=ratio.low,
        high=ratio.high,
        unit="launches",
        first_loops=sum(one.first_loops for one in each),
        last_loops=sum(one.last_loops for one in each),
        correlation=None,
        degrees=float(len(each) - 1),
    )


def _of_launch(looped: Sustained, phase: str, workload: Workload) -> SpeedCourse | None:
    took_ns = looped.prefill_ns if phase == "prefill" else looped.decode_ns
    tokens = workload.prompt_tokens if phase == "prefill" else workload.output_tokens
    if not took_ns or not tokens or not all(took_ns):
        return None
    rates = [math.log(tokens * workload.sequences / (ns * NS)) for ns in took_ns]
    windows = _windows(looped, rates)
    if not windows[0] or not windows[-1] or len(windows) < 2:
        return None
    seen = change(windows)
    return SpeedCourse(
        first_tok_s=math.exp(statistics.fmean(windows[0])),
        last_tok_s=math.exp(statistics.fmean(windows[-1])),
        last_over_first=math.exp(seen.estimate),
        low=None if seen.low is None else math.exp(seen.low),
        high=None if seen.high is None else math.exp(seen.high),
        unit=seen.unit,
        first_loops=len(windows[0]),
        last_loops=len(windows[-1]),
        correlation=seen.correlation,
        degrees=seen.degrees,
    )


def _windows(looped: Sustained, values: Sequence[float]) -> list[list[float]]:
    """Whole windows from the start, and the last one measured back from the end.

    What lies between the last whole window and the last one is in neither.
    """
    window_ns = _window_s(looped) / NS
    begin, (_, last_begins) = looped.started_ns[0], _edges(looped, _window_s(looped))
    whole = max(1, int((last_begins - begin) // window_ns))
    found: list[list[float]] = [[] for _ in range(whole + 1)]
    for started, wall, value in zip(looped.started_ns, looped.wall_ns, values, strict=True):
        middle = started + wall / 2
        place = whole if middle >= last_begins else int((middle - begin) // window_ns)
        if place <= whole:
            found[place].append(value)
    return found


def _watts(power: PowerCourse, first_ends_ns: int, last_begins_ns: int) -> WattsCourse | None:
    told = list(zip(power.times_ns, power.watts, strict=False))
    first = [watts for moment, watts in told if moment <= first_ends_ns]
    last = [watts for moment, watts in told if moment > last_begins_ns]
    if not first or not last:
        return None
    return WattsCourse(
        method=power.method,
        meter=power.meter,
        scope=power.scope,
        quality=power.quality,
        first_w=statistics.fmean(first),
        last_w=statistics.fmean(last),
    )
