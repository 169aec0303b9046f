"""First window of a series against its last, where neighbours resemble each other.

Loops that follow each other are no independent samples: a mean of n of them is worth
n (1 - r) / (1 + r), r being the correlation of neighbours (an AR(1) process; Zwiers & von Storch,
"Taking serial correlation into account in tests of the mean", J. Climate 8, 1995). r is the median
over all windows of the series, each about its own mean and corrected for the bias of short ones
(Kendall, "Note on bias in the estimation of autocorrelation", Biometrika 41, 1954): a step within
one window (the moment of throttling) must not pass for correlation in all of them.

Where too few loops are independent, the means of whole windows are the units: their scatter is half
the mean square of successive differences (von Neumann et al., "The mean square successive
difference", Ann. Math. Stat. 12, 1941), which a fall hardly widens. The coverage of both is in
tests/looping/test_change.py.
"""

from __future__ import annotations

import math
import statistics
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

from edgebench.analysis import stats

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST = 10
FEWEST_INDEPENDENT = 4.0
HIGHEST_CORRELATION = 0.99
FEWEST_WINDOWS = 8
# Below this, windows resemble their neighbours as well.
LEAST_WORTH = 1.0


class Change(NamedTuple):
    """ln(last / first) and its 95 % bounds; None where too few values are independent.

    `degrees` are those of the t-interval, and `unit` what it is over.
    """

    estimate: float
    low: float | None
    high: float | None
    correlation: float | None
    degrees: float | None = None
    unit: Literal["loops", "windows"] = "loops"


def change(windows: Sequence[Sequence[float]]) -> Change:
    """Of the logarithms in consecutive `windows`, of which the first and the last are compared.

    Both must have values.
    """
    first, last = windows[0], windows[-1]
    estimate = statistics.fmean(last) - statistics.fmean(first)
    correlation = lag_one(windows)
    if correlation is None:
        return Change(estimate, None, None, None)
    worth = [len(each) * _share(correlation) for each in (first, last)]
    if min(worth) >= FEWEST_INDEPENDENT:
        return _over_loops(estimate, correlation, (first, last), worth)
    whole = [each for each in windows if len(each) >= FEWEST]
    if min(worth) >= LEAST_WORTH and len(whole) >= FEWEST_WINDOWS and len(whole) == len(windows):
        return _over_windows(estimate, correlation, [statistics.fmean(each) for each in whole])
    return Change(estimate, None, None, correlation)


def _over_loops(
    estimate: float,
    correlation: float,
    ends: Sequence[Sequence[float]],
    worth: Sequence[float],
) -> Change:
    squares = [_squared_error(each, n) for each, n in zip(ends, worth, strict=True)]
    error = math.sqrt(sum(squares))
    spread = sum(square**2 / (n - 1) for square, n in zip(squares, worth, strict=True))
    if not spread:
        return Change(estimate, estimate, estimate, correlation)
    degrees = error**4 / spread
    reach = stats.t_quantile(degrees) * error
    return Change(estimate, estimate - reach, estimate + reach, correlation, degrees)


def _over_windows(estimate: float, correlation: float, means: Sequence[float]) -> Change:
    variance = statistics.fmean((b - a) ** 2 for a, b in pairwise(means)) / 2
    n = len(means)
    degrees = 2 * (n - 1) ** 2 / (3 * n - 4)
    reach = stats.t_quantile(degrees) * math.sqrt(2 * variance)
    return Change(estimate, estimate - reach, estimate + reach, correlation, degrees, "windows")


def lag_one(windows: Sequence[Sequence[float]]) -> float | None:
    """Correlation of neighbours, 0 to 0.99; None where the first or last window is too short."""
    if min(len(windows[0]), len(windows[-1])) < FEWEST:
        return None
    found = statistics.median(map(_correlation, (e for e in windows if len(e) >= FEWEST)))
    return min(max(found, 0.0), HIGHEST_CORRELATION)


def _correlation(values: Sequence[float]) -> float:
    mean, n = statistics.fmean(values), len(values)
    centred = [value - mean for value in values]
    squares = math.fsum(value**2 for value in centred)
    if not squares or max(values) == min(values):
        return 0.0
    products = math.fsum(a * b for a, b in pairwise(centred))
    return (n * products / squares + 1) / (n - 3)


def _share(correlation: float) -> float:
    return (1 - correlation) / (1 + correlation)


def _squared_error(values: Sequence[float], worth: float) -> float:
    """Of the mean. Values that resemble each other also scatter less about their own mean."""
    n = len(values)
    scatter = statistics.variance(values) * (n - 1) / (n - n / worth)
    return scatter / worth
