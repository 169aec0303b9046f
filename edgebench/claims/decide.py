"""From an estimate with its interval to supported, refuted or inconclusive. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from edgebench.analysis.stats import mean_and_error, t_quantile
from edgebench.schema.claim import Endpoint, Margin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.analysis.stats import LogRatio
    from edgebench.claims.figures import Compared
    from edgebench.schema.claim import Reason, Scope, Word


def word(low: float, high: float, margin: Margin) -> Word:
    """The whole interval beyond a margin, or nothing."""
    if margin.band:
        first, last = sorted((margin.support, margin.refute))
        if first <= low and high <= last:
            return "supported"
        return "refuted" if high < first or low > last else "inconclusive"
    if margin.upward:
        return "supported" if low >= margin.support else _refuted(high < margin.refute)
    return "supported" if high <= margin.support else _refuted(low > margin.refute)


def _refuted(yes: bool) -> Word:
    return "refuted" if yes else "inconclusive"


def of_ratio(
    name: str,
    question: str,
    found: LogRatio | None,
    margin: Margin,
    *,
    blocks: int,
    device: str | None,
    scope: Scope = "device",
    primary: bool = True,
    unit: str = "ratio",
    reasons: tuple[Reason, ...] = (),
) -> Endpoint:
    """An endpoint about a ratio of geometric means; `found` is None below two blocks.

    `reasons` force "inconclusive": what stands in the way whatever the interval says.
    """
    if found is None:
        why: tuple[Reason, ...] = reasons or ("too_few_blocks" if blocks else "not_measured",)
        return empty(name, question, margin, why, device=device, scope=scope, primary=primary,
                     unit=unit, blocks=blocks)  # fmt: skip
    low, high = found.bounds()
    said = "inconclusive" if reasons else word(low, high, margin)
    straddles: tuple[Reason, ...] = ("interval_straddles_margin",) if said == "inconclusive" else ()
    return Endpoint(
        name=name,
        question=question,
        primary=primary,
        scope=scope,
        device=device,
        unit=unit,
        verdict=said,
        estimate=math.exp(found.estimate),
        low=low,
        high=high,
        margin=margin,
        blocks=blocks,
        p=None if said == "inconclusive" or margin.band else _p(found, margin, said),
        reasons=reasons or straddles,
    )


def of_compared(
    name: str,
    question: str,
    compared: Compared,
    margin: Margin,
    *,
    primary: bool = True,
    unit: str = "ratio",
    reasons: tuple[Reason, ...] = (),
) -> Endpoint:
    """`of_ratio` of what claims/figures gives; judging fills in the device."""
    return of_ratio(
        name,
        question,
        compared.found,
        margin,
        blocks=compared.blocks,
        device=None,
        primary=primary,
        unit=unit,
        reasons=reasons or compared.reasons,
    )


def empty(
    name: str,
    question: str,
    margin: Margin,
    reasons: tuple[Reason, ...],
    *,
    device: str | None = None,
    scope: Scope = "device",
    primary: bool = True,
    unit: str = "ratio",
    blocks: int = 0,
) -> Endpoint:
    """An endpoint that nothing was measured for, or not enough."""
    return Endpoint(
        name=name,
        question=question,
        primary=primary,
        scope=scope,
        device=device,
        unit=unit,
        verdict="inconclusive",
        estimate=None,
        low=None,
        high=None,
        margin=margin,
        blocks=blocks,
        reasons=reasons,
    )


def _p(found: LogRatio, margin: Margin, said: Word) -> float:
    """How surprising the estimate is if the truth sat on the margin that it passed."""
    line = margin.support if said == "supported" else margin.refute
    above = found.p_above(line)
    return above if (said == "supported") == margin.upward else 1 - above


def of_values(
    name: str,
    question: str,
    values: Sequence[float],
    margin: Margin,
    *,
    primary: bool = True,
    unit: str,
    reasons: tuple[Reason, ...] = (),
) -> Endpoint:
    """An endpoint about a mean, one value per block: Student's t on the values themselves.

    For shares and differences, which may be 0 or negative. Of one value there is no interval.
    """
    if len(values) < 2 or reasons:
        why: tuple[Reason, ...] = reasons or (("too_few_blocks",) if values else ("not_measured",))
        return empty(name, question, margin, why, primary=primary, unit=unit, blocks=len(values))
    mean = Mean(*mean_and_error(values), len(values) - 1)
    return of_mean(name, question, mean, margin, blocks=len(values), primary=primary, unit=unit)


class Mean(NamedTuple):
    """A mean with its standard error and the degrees of freedom behind that."""

    centre: float
    error: float
    degrees: float


def of_mean(
    name: str,
    question: str,
    mean: Mean,
    margin: Margin,
    *,
    blocks: int,
    scope: Scope = "device",
    primary: bool = True,
    unit: str,
) -> Endpoint:
    """An endpoint about a mean that may be 0 or negative."""
    reach = t_quantile(mean.degrees) * mean.error
    low, high = mean.centre - reach, mean.centre + reach
    said = word(low, high, margin)
    return Endpoint(
        name=name,
        question=question,
        primary=primary,
        scope=scope,
        device=None,
        unit=unit,
        verdict=said,
        estimate=mean.centre,
        low=low,
        high=high,
        margin=margin,
        blocks=blocks,
        p=None if said == "inconclusive" or margin.band else _p_of_mean(mean, margin, said),
        reasons=("interval_straddles_margin",) if said == "inconclusive" else (),
    )


def _p_of_mean(mean: Mean, margin: Margin, said: Word) -> float:
    """One-sided, against the margin that was passed."""
    from scipy.special import stdtr

    line = margin.support if said == "supported" else margin.refute
    distance = -abs(mean.centre - line)
    if mean.error == 0:
        return 0.0 if distance else 0.5
    return float(stdtr(mean.degrees, distance / mean.error))
