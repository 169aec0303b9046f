"""From what a meter told to joules of a phase, or to the reason why there are none."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, NamedTuple

from edgebench.power import counter, sampled
from edgebench.power.plausible import (
    Unmeasurable,
    highest_w,
    refuse_implausible,
    refuse_sample,
)
from edgebench.schema.energy import Energy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from edgebench.power import Series
    from edgebench.power.phases import Window
    from edgebench.schema.energy import Phase

# A counter's last step may be as old as its period: over a hundred of them, that is 1 %.
COUNTER_PERIODS = 100
# What the two ends of the windows leave open, as a share of the joules.
WIDEST_SHARE = 0.05
# Odroid-XU4, short runs: 1 Hz was up to 80 % wrong (arXiv 2206.10377).
SAMPLED_PERIODS = 50
SAMPLED_PERIODS_EACH = 5


class _Joules(NamedTuple):
    joules: float
    low: float
    high: float
    wraps: int | None


def energies(
    series: Iterable[Series], windows: Mapping[Phase, Sequence[Window]]
) -> tuple[Energy, ...]:
    """One figure per domain and phase."""
    return tuple(
        _energy(each, phase, of_phase) for each in series for phase, of_phase in windows.items()
    )


def _energy(series: Series, phase: Phase, windows: Sequence[Window]) -> Energy:
    found, reason = None, None
    try:
        found = _joules(series, windows)
    except Unmeasurable as error:
        reason = str(error)
    counts = series.kind == "energy" and bool(series.values)
    return Energy(
        phase=phase,
        method=series.method,
        meter=series.domain.name,
        scope=series.domain.scope,
        quality=series.quality,
        joules=found.joules if found else None,
        low_joules=found.low if found else None,
        high_joules=found.high if found else None,
        window_s=seconds(windows),
        windows=len(windows),
        samples=sum(len(_inside(series, window)) for window in windows),
        read_every_s=series.read_every_s,
        update_every_s=series.update_every_s,
        first_uj=round(series.values[0]) if counts else None,
        last_uj=round(series.values[-1]) if counts else None,
        wraps=found.wraps if found else None,
        reason=reason,
    )


def seconds(windows: Sequence[Window]) -> float:
    return sum(window.end_ns - window.begin_ns for window in windows) / 1e9


def _joules(series: Series, windows: Sequence[Window]) -> _Joules:
    if series.broken:
        raise Unmeasurable(series.broken)
    if not windows:
        raise Unmeasurable("The phase was not timed.")
    found = _counted(series, windows) if series.kind == "energy" else _integrated(series, windows)
    refuse_implausible(series.domain.scope, found.joules / seconds(windows))
    return found


def _counted(series: Series, windows: Sequence[Window]) -> _Joules:
    each_s = seconds(windows) / len(windows)
    _refuse_short(each_s, COUNTER_PERIODS * series.update_every_s)
    domain = series.domain
    unrolled = counter.unrolled(
        series.times_ns,
        series.values,
        counter.Possible(domain.range_uj, series.update_every_s, highest_w(domain.scope)),
    )
    spans = [counter.within(unrolled, window) for window in windows]
    joules, low, high = (
        sum(getattr(span, name) for span in spans) / 1e6 for name in counter.Span._fields
    )
    refuse_implausible(domain.scope, joules / seconds(windows))
    open_share = (high - low) / 2 / joules
    if open_share > WIDEST_SHARE:
        _refuse_short(each_s, each_s * open_share / WIDEST_SHARE)
    return _Joules(joules, low, high, unrolled.wraps)


def _integrated(series: Series, windows: Sequence[Window]) -> _Joules:
    period_s = max(series.update_every_s, series.read_every_s)
    total_s = seconds(windows)
    _refuse_short(total_s, SAMPLED_PERIODS * period_s, "altogether ")
    _refuse_short(total_s / len(windows), SAMPLED_PERIODS_EACH * period_s)
    for value in series.values:
        refuse_sample(series.domain.scope, value / 1e6)
    power = sampled.Power(series.times_ns, series.values)
    joules = sum(sampled.energy_uj(power, w, period_s=period_s) for w in windows) / 1e6
    looks = [value for window in windows for value in _inside(series, window)]
    wide = sampled.half_width_uw(looks, independent=total_s / period_s) * total_s / 1e6
    return _Joules(joules, max(0.0, joules - wide), joules + wide, None)


def _refuse_short(found_s: float, needed_s: float, how: str = "each ") -> None:
    if found_s < needed_s:
        raise Unmeasurable(
            f"The phase is too short for this meter: {how}{found_s:.3g} s, {needed_s:.3g} s are "
            "needed. Take a longer workload, or more --trials and a longer --launch-time."
        )


def _inside(series: Series, window: Window) -> tuple[float, ...]:
    first, last = (
        bisect_left(series.times_ns, window.begin_ns),
        bisect_right(series.times_ns, window.end_ns),
    )
    return series.values[first:last]
