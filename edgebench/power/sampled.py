"""Power looked at now and then: integrated between the looks, with what its variance allows."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from edgebench.power.lines import at
from edgebench.power.plausible import Unmeasurable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.power.phases import Window

# Student's t for 95 % at 49 degrees of freedom: fewer samples than 50 are refused.
T_95 = 2.01
# A longer silence than this many periods between two looks hides what happened in it.
LONGEST_SILENCE = 5


class Power(NamedTuple):
    """Microwatts at these moments."""

    times_ns: tuple[int, ...]
    power_uw: tuple[float, ...]


def energy_uj(power: Power, window: Window, *, period_s: float) -> float:
    """Microjoules of the window, by the trapezoidal rule and straight lines to its ends.

    Raises Unmeasurable where the readings do not reach around the window or leave a gap in it.
    """
    times = power.times_ns
    first, last = bisect_right(times, window.begin_ns) - 1, bisect_left(times, window.end_ns)
    if first < 0 or last >= len(times):
        raise Unmeasurable("It was not read before and after the phase.")
    silence = max((b - a for a, b in pairwise(times[first : last + 1])), default=0) / 1e9
    if silence > LONGEST_SILENCE * period_s:
        raise Unmeasurable(f"It was not read for {silence:.1f} s within the phase.")
    inside = [*range(bisect_right(times, window.begin_ns), last)]
    points = [
        (window.begin_ns, at(times, power.power_uw, window.begin_ns)),
        *((times[i], power.power_uw[i]) for i in inside),
        (window.end_ns, at(times, power.power_uw, window.end_ns)),
    ]
    return math.fsum((b[0] - a[0]) / 1e9 * (a[1] + b[1]) / 2 for a, b in pairwise(points))


def half_width_uw(samples: Sequence[float], *, independent: float) -> float:
    """95 % of the mean of as many independent samples as the source had news."""
    return T_95 * statistics.stdev(samples) / math.sqrt(max(independent, 1.0))
