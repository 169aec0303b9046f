"""Averages and intervals. The unit is the launch: one number per fresh process.

Rates of one program on one machine vary by factors, so estimates are geometric: the mean and the
t-interval are taken over logarithms (Kalibera & Jones, "Rigorous benchmarking in reasonable
time", ISMM 2013; the coverage of this interval on noisy machines is in docs/method.md).

Two sides are compared by the ratio of their geometric means. Neighbouring launches of one schedule
are pairs (t over the logarithms of their ratios); launches of two sessions are not (Welch's t over
logarithms). The distributions are scipy's; the formulas are written out because thousands of cells
are compared at once, and tests hold them against scipy's own tests.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from edgebench.schema.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE = 0.95
# Of e: what a float still holds. Two launches of a hostile record reach beyond it.
LARGEST_EXPONENT = 700.0


def interval(values: Sequence[float]) -> Interval | None:
    """Geometric mean of positive `values` with its 95 % t-interval; None for no values.

    One value has no interval: its bounds are None.
    """
    if not values:
        return None
    logs = [math.log(value) for value in values]
    if len(logs) == 1:
        return Interval(estimate=math.exp(logs[0]), low=None, high=None, launches=1)
    centre, error = mean_and_error(logs)
    reach = t_quantile(len(logs) - 1) * error
    low, estimate, high = (_exp(centre + sign * reach) for sign in (-1, 0, 1))
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


class LogRatio(NamedTuple):
    """ln(head / base): its estimate, standard error, and degrees of freedom of Student's t."""

    estimate: float
    error: float
    degrees: float

    def bounds(self) -> tuple[float, float]:
        """The 95 % interval of the ratio itself."""
        reach = t_quantile(self.degrees) * self.error
        return _exp(self.estimate - reach), _exp(self.estimate + reach)

    def p_two_sided(self) -> float:
        """How surprising this is when both sides are equal."""
        return 2 * self._tail(-abs(self.estimate))

    def p_above(self, ratio: float) -> float:
        """How surprising this is when the true ratio is at most `ratio`."""
        return self._tail(math.log(ratio) - self.estimate)

    def _tail(self, distance: float) -> float:
        from scipy.special import stdtr

        if self.error == 0:
            return 0.0 if distance < 0 else 0.5 if distance == 0 else 1.0
        return float(stdtr(self.degrees, distance / self.error))


def paired(base: Sequence[float], head: Sequence[float]) -> LogRatio | None:
    """Of neighbouring launches, positive values place by place; None below two pairs."""
    logs = [math.log(h / b) for b, h in zip(base, head, strict=True)]
    if len(logs) < 2:
        return None
    return LogRatio(*mean_and_error(logs), len(logs) - 1)


def unpaired(base: Sequence[float], head: Sequence[float]) -> LogRatio | None:
    """Of launches that were not interleaved (Welch); None below two on a side."""
    if min(len(base), len(head)) < 2:
        return None
    one, one_error = mean_and_error([math.log(value) for value in base])
    two, two_error = mean_and_error([math.log(value) for value in head])
    total = one_error**2 + two_error**2
    spread = one_error**4 / (len(base) - 1) + two_error**4 / (len(head) - 1)
    degrees = total**2 / spread if spread else len(base) + len(head) - 2
    return LogRatio(two - one, math.sqrt(total), degrees)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values: calling all those below alpha errs anywhere with probability < alpha.

    Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6, 1979.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def detectable_ratio(found: LogRatio, power: float) -> float:
    """The smallest true ratio above 1 that a repetition of this finds with that probability.

    The usual approximation: quantile of the test plus quantile of the power, times the error.
    """
    from scipy.special import stdtrit

    reach = t_quantile(found.degrees) + float(stdtrit(found.degrees, power))
    return _exp(reach * found.error)


def _exp(power: float) -> float:
    return math.exp(min(power, LARGEST_EXPONENT))


def mean_and_error(logs: Sequence[float]) -> tuple[float, float]:
    """Mean and its standard error. `statistics.stdev` is exact, and thirty times slower.

    Equal values have no spread at all, not the last digit's: it would look significant.
    """
    if min(logs) == max(logs):
        return logs[0], 0.0
    centre = math.fsum(logs) / len(logs)
    squares = math.fsum((value - centre) ** 2 for value in logs)
    return centre, math.sqrt(squares / (len(logs) - 1) / len(logs))


@lru_cache
def t_quantile(degrees: float) -> float:
    """Student's t that 95 % lie within, both ways."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + CONFIDENCE) / 2))
