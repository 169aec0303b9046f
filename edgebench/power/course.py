"""Watts over time, from what a meter told while a worker was looped."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from edgebench.power import counter
from edgebench.power.plausible import (
    Unmeasurable,
    highest_w,
    refuse_implausible,
    refuse_sample,
)
from edgebench.schema.sustained import PowerCourse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.power import Series


def course(series: Series, period_s: float) -> PowerCourse:
    """Average watts over steps of at least `period_s`, and of ten updates of a counter."""
    told: list[tuple[int, float]] = []
    reason = series.broken
    try:
        told = [] if reason else list(_steps(series, period_s))
    except Unmeasurable as error:
        reason = str(error)
    return PowerCourse(
        method=series.method,
        meter=series.domain.name,
        scope=series.domain.scope,
        quality=series.quality,
        times_ns=tuple(moment for moment, _ in told),
        watts=tuple(watts for _, watts in told),
        reason=reason or (None if told else "It was not read for long enough."),
    )


def _steps(series: Series, period_s: float) -> Iterator[tuple[int, float]]:
    counts = series.kind == "energy"
    period_s = max(period_s, 10 * series.update_every_s) if counts else period_s
    joules = _joules(series)
    places = _places(series.times_ns, round(period_s * 1e9))
    for first, last in pairwise(places):
        elapsed_s = (series.times_ns[last] - series.times_ns[first]) / 1e9
        watts = (joules[last] - joules[first]) / elapsed_s
        refuse_implausible(series.domain.scope, watts)
        yield series.times_ns[last], watts


def _joules(series: Series) -> list[float]:
    """Since the first reading: of a counter unrolled, of power by the trapezoidal rule."""
    if series.kind == "energy":
        domain = series.domain
        possible = counter.Possible(domain.range_uj, series.update_every_s, highest_w(domain.scope))
        unrolled = counter.unrolled(series.times_ns, series.values, possible)
        return [value / 1e6 for value in unrolled.energy_uj]
    joules = [0.0]
    for (begin, one), (end, two) in pairwise(zip(series.times_ns, series.values, strict=True)):
        refuse_sample(series.domain.scope, two / 1e6)
        joules.append(joules[-1] + (end - begin) / 1e9 * (one + two) / 2e6)
    return joules


def _places(times_ns: tuple[int, ...], period_ns: int) -> list[int]:
    """Readings that are at least `period_ns` apart."""
    found: list[int] = []
    for place, moment in enumerate(times_ns):
        if not found or moment - times_ns[found[-1]] >= period_ns:
            found.append(place)
    return found
