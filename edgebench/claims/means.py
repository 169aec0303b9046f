"""Endpoints about plain means: slopes, shares, differences and counts, which may be zero or less.

The unit is the block, the interval Student's t; ratios of speeds go through claims/decide instead.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from edgebench.analysis.stats import CONFIDENCE
from edgebench.claims import decide
from edgebench.schema.claim import Endpoint, Margin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.schema.claim import Reason


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
    unit: str,
    primary: bool = True,
    reasons: tuple[Reason, ...] = (),
    says: str = "",
) -> Endpoint:
    """One value per block against the margin; judging fills in the device.

    `reasons` force "inconclusive", and are why there are too few values where there are.
    """
    found = mean(values)
    if found is None:
        why: tuple[Reason, ...] = reasons or ("too_few_blocks" if values else "not_measured",)
        made = decide.empty(
            name, question, margin, why, primary=primary, unit=unit, blocks=len(values)
        )
        return made.model_copy(update={"says": says})
    low, high = found.bounds()
    said = "inconclusive" if reasons else decide.word(low, high, margin)
    open_reasons: tuple[Reason, ...] = reasons or ("interval_straddles_margin",)
    return Endpoint(
        name=name, question=question, primary=primary, scope="device", device=None, unit=unit,
        verdict=said, estimate=found.estimate, low=low, high=high, margin=margin,
        blocks=len(values), p=None if said == "inconclusive" else _p(found, margin, said),
        reasons=open_reasons if said == "inconclusive" else (), says=says,
    )  # fmt: skip


def of_count(
    name: str,
    question: str,
    total: float | None,
    margin: Margin,
    *,
    unit: str,
    blocks: int,
    reasons: tuple[Reason, ...] = (),
    says: str = "",
) -> Endpoint:
    """Something that was counted whole, and so has no interval; None: nothing was counted."""
    if total is None or reasons:
        why = reasons or ("not_measured",)
        made = decide.empty(name, question, margin, why, unit=unit, blocks=blocks)
        return made.model_copy(update={"says": says})
    said = decide.word(total, total, margin)
    return Endpoint(
        name=name, question=question, primary=True, scope="device", device=None, unit=unit,
        verdict=said, estimate=total, low=total, high=total, margin=margin, blocks=blocks,
        reasons=() if said != "inconclusive" else ("interval_straddles_margin",), says=says,
    )  # fmt: skip


def _p(found: Mean, margin: Margin, said: str) -> float | None:
    """Against the margin that was passed; a range has two, and no single p."""
    if margin.band:
        return None
    line = margin.support if said == "supported" else margin.refute
    above = found.p_above(line)
    return above if (said == "supported") == margin.upward else 1 - above
