"""Endpoints about plain means: slopes, shares, differences and counts, which may be zero or less.

The unit is the block, the interval Student's t; ratios of speeds go through claims/decide instead.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, Unpack

from edgebench.analysis.stats import CONFIDENCE
from edgebench.claims import decide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.schema.claim import Endpoint, Margin, Reason


class Mean(NamedTuple):
    """Of `number` >= 2 values, with its standard error."""

    estimate: float
    error: float
    number: int

    def bounds(self) -> tuple[float, float]:
        """The 95 % interval."""
        from scipy.special import stdtrit

        reach = float(stdtrit(self.number - 1, (1 + CONFIDENCE) / 2)) * self.error
        return self.estimate - reach, self.estimate + reach

    def p_above(self, line: float) -> float:
        """How surprising this is when the true mean is at most `line`."""
        from scipy.special import stdtr

        distance = line - self.estimate
        if self.error == 0:
            return 0.0 if distance < 0 else 0.5 if distance == 0 else 1.0
        return float(stdtr(self.number - 1, distance / self.error))


def mean(values: Sequence[float]) -> Mean | None:
    """None below two values. Equal values have no spread, not even the last digit's."""
    if len(values) < 2:
        return None
    if min(values) == max(values):
        return Mean(values[0], 0.0, len(values))
    centre = math.fsum(values) / len(values)
    squares = math.fsum((value - centre) ** 2 for value in values)
    return Mean(centre, math.sqrt(squares / (len(values) - 1) / len(values)), len(values))


def of_values(
    name: str,
    question: str,
    values: Sequence[float],
    margin: Margin,
    *,
    reasons: tuple[Reason, ...] = (),
    **asked: Unpack[decide.Asked],
) -> Endpoint:
    """One value per block against the margin; judging fills in the device.

    `reasons` force "inconclusive", and are why there are too few values where there are.
    """
    found, blocks = mean(values), len(values)
    if found is None:
        why: tuple[Reason, ...] = reasons or ("too_few_blocks" if values else "not_measured",)
        return decide.empty(name, question, margin, why, blocks=blocks, **asked)
    low, high = found.bounds()
    interval, p = (low, found.estimate, high), decide.one_sided(found)
    return decide.decided(
        name, question, interval, margin, p, blocks=blocks, reasons=reasons, **asked
    )


def of_count(
    name: str,
    question: str,
    total: float | None,
    margin: Margin,
    *,
    blocks: int,
    reasons: tuple[Reason, ...] = (),
    **asked: Unpack[decide.Asked],
) -> Endpoint:
    """Something that was counted whole, and so has no interval; None: nothing was counted."""
    if total is None or reasons:
        why = reasons or ("not_measured",)
        return decide.empty(name, question, margin, why, blocks=blocks, **asked)
    return decide.decided(
        name, question, (total, total, total), margin, None, blocks=blocks, **asked
    )
