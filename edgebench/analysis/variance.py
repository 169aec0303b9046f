"""How far apart launches lie, and how far the trials inside one: where more repeats would help.

One-way random-effects analysis of variance over the logarithms of trial times, with launches as
groups (Searle, Casella and McCulloch, "Variance components", 1992, section 3.6, for unequal numbers
of trials; Kalibera and Jones, ISMM 2013, section 9.2, for its use on programs).
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, NamedTuple

from edgebench.analysis import stats

if TYPE_CHECKING:
    from collections.abc import Sequence


class Spread(NamedTuple):
    """Relative standard deviations of trial times; None where trials are too few to tell.

    `between` is what launches differ by beyond what their trials scatter: more launches narrow it.
    """

    between: float | None
    within: float | None


def spread(launches: Sequence[Sequence[float]]) -> Spread:
    """Of the logarithms of trial times, launch by launch.

    A negative estimate of the variance between launches is 0, as usual: they differ by no more
    than their trials.
    """
    groups = [trials for trials in launches if trials]
    total, degrees = sum(map(len, groups)), len(groups) - 1
    if total == len(groups):
        return Spread(None, None)
    means = [statistics.fmean(trials) for trials in groups]
    within = _squares(groups, means) / (total - len(groups))
    if not degrees:
        return Spread(None, relative_deviation(within))
    centre = statistics.fmean(x for trials in groups for x in trials)
    outside = sum(len(t) * (mean - centre) ** 2 for t, mean in zip(groups, means, strict=True))
    trials_each = (total - sum(len(trials) ** 2 for trials in groups) / total) / degrees
    between = max(0.0, (outside / degrees - within) / trials_each)
    return Spread(relative_deviation(between), relative_deviation(within))


def relative_deviation(variance: float) -> float:
    """Standard deviation over mean of what has this variance in its logarithms (log-normal)."""
    return math.sqrt(math.expm1(min(variance, stats.LARGEST_EXPONENT)))


def _squares(groups: Sequence[Sequence[float]], means: Sequence[float]) -> float:
    pairs = zip(groups, means, strict=True)
    return math.fsum((x - mean) ** 2 for trials, mean in pairs for x in trials)
