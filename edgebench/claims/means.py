"""Endpoints about plain means: slopes, shares, differences and counts, which may be zero or less.

The unit is the block, the interval Student's t; ratios of speeds go through claims/decide instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Unpack

from edgebench.analysis.stats import mean_and_error, t_quantile
from edgebench.claims import decide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.schema.claim import Endpoint, Margin, Reason


class Mean(NamedTuple):
    """A mean with its standard error and the degrees of freedom behind that."""

    centre: float
    error: float
    degrees: float

    def p(self, line: float, *, above: bool) -> float:  # noqa: ARG002 - it lies beyond the line
        from scipy.special import stdtr

        distance = -abs(self.centre - line)
        if self.error == 0:
            return 0.0 if distance else 0.5
        return float(stdtr(self.degrees, distance / self.error))


def of_values(
    name: str,
    question: str,
    values: Sequence[float],
    margin: Margin,
    *,
    reasons: tuple[Reason, ...] = (),
    **asked: Unpack[decide.Asked],
) -> Endpoint:
    """One value per block against the margin; of one value there is no interval.

    `reasons` force "inconclusive", and are why there are too few values where there are.
    """
    blocks = len(values)
    if blocks < 2:
        why = reasons or decide.too_few(blocks)
        return decide.empty(name, question, margin, why, blocks=blocks, **asked)
    mean = Mean(*mean_and_error(values), blocks - 1)
    return of_mean(name, question, mean, margin, blocks=blocks, reasons=reasons, **asked)


def of_mean(
    name: str,
    question: str,
    mean: Mean,
    margin: Margin,
    *,
    blocks: int,
    reasons: tuple[Reason, ...] = (),
    **asked: Unpack[decide.Asked],
) -> Endpoint:
    """A mean whose interval is Student's t."""
    reach = t_quantile(mean.degrees) * mean.error
    interval = (mean.centre - reach, mean.centre, mean.centre + reach)
    return decide.decided(
        name, question, interval, margin, mean.p, blocks=blocks, reasons=reasons, **asked
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
