"""Averages and intervals. The unit is the launch: one number per fresh process.

Rates of one program on one machine vary by factors, so estimates are geometric: the mean and the
t-interval are taken over logarithms (Kalibera & Jones, "Rigorous benchmarking in reasonable
time", ISMM 2013; the coverage of this interval on noisy machines is in docs/method.md).
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

from edgebench.schema.result import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE = 0.95


def interval(values: Sequence[float]) -> Interval | None:
    """Geometric mean of positive `values` with its 95 % t-interval; None for no values.

    One value has no interval: its bounds are None.
    """
    if not values:
        return None
    logs = [math.log(value) for value in values]
    centre = statistics.fmean(logs)
    if len(logs) == 1:
        return Interval(estimate=math.exp(centre), low=None, high=None, launches=1)
    reach = _t_quantile(len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs))
    low, estimate, high = (math.exp(centre + sign * reach) for sign in (-1, 0, 1))
    return Interval(estimate=estimate, low=low, high=high, launches=len(logs))


def half_width(values: Sequence[float]) -> float | None:
    """Relative half-width of `interval`, towards the far side; None below two values."""
    found = interval(values)
    if found is None or found.high is None:
        return None
    return found.high / found.estimate - 1


def quantile(values: Sequence[float], share: float) -> float | None:
    """Linear-interpolation sample quantile (Hyndman & Fan type 7); None for no values."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _t_quantile(degrees: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + CONFIDENCE) / 2))
