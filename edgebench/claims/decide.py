"""From an estimate with its interval to supported, refuted or inconclusive. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypedDict, Unpack

from edgebench.analysis.stats import mean_and_error, t_quantile
from edgebench.schema.claim import Endpoint, Margin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.analysis.stats import LogRatio
    from edgebench.claims.figures import Compared
    from edgebench.schema.claim import Reason, Scope, Word


class Asked(TypedDict, total=False):
    """What an endpoint is about, whatever was found; judging fills in the device."""

    primary: bool
    scope: Scope
    device: str | None
    unit: str
    says: str


PLAIN: Asked = {"primary": True, "scope": "device", "device": None, "unit": "ratio"}


class OneSided(Protocol):
    """How surprising an estimate `above` (else below) `line` is if the truth sat on that line."""

    def __call__(self, line: float, *, above: bool) -> float | None: ...


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


def decided(
    name: str,
    question: str,
    interval: tuple[float, float, float],
    margin: Margin,
    p: OneSided | None,
    *,
    blocks: int,
    reasons: tuple[Reason, ...] = (),
    **asked: Unpack[Asked],
) -> Endpoint:
    """An endpoint of low, estimate and high; its p is against the margin that it passed.

    A range has two margins, and no single p. `reasons` force "inconclusive": what stands in the
    way whatever the interval says.
    """
    low, estimate, high = interval
    said = "inconclusive" if reasons else word(low, high, margin)
    straddles: tuple[Reason, ...] = ("interval_straddles_margin",) if said == "inconclusive" else ()
    line = margin.support if said == "supported" else margin.refute
    above = (said == "supported") == margin.upward
    told: dict[str, Any] = {**PLAIN, **asked}
    return Endpoint(
        name=name,
        question=question,
        verdict=said,
        estimate=estimate,
        low=low,
        high=high,
        margin=margin,
        blocks=blocks,
        p=None if p is None or said == "inconclusive" or margin.band else p(line, above=above),
        reasons=reasons or straddles,
        **told,
    )


def of_ratio(
    name: str,
    question: str,
    found: LogRatio | None,
    margin: Margin,
    *,
    blocks: int,
    reasons: tuple[Reason, ...] = (),
    **asked: Unpack[Asked],
) -> Endpoint:
    """An endpoint about a ratio of geometric means; `found` is None below two blocks."""
    if found is None:
        why = reasons or _too_few(blocks)
        return empty(name, question, margin, why, blocks=blocks, **asked)
    low, high = found.bounds()
    interval = (low, math.exp(found.estimate), high)
    p = one_sided(found)
    return decided(name, question, interval, margin, p, blocks=blocks, reasons=reasons, **asked)


def of_compared(
    name: str,
    question: str,
    compared: Compared,
    margin: Margin,
    *,
    reasons: tuple[Reason, ...] = (),
    **asked: Unpack[Asked],
) -> Endpoint:
    """`of_ratio` of what claims/figures gives."""
    why = reasons or compared.reasons
    found, blocks = compared.found, compared.blocks
    return of_ratio(name, question, found, margin, blocks=blocks, reasons=why, **asked)


def empty(
    name: str,
    question: str,
    margin: Margin,
    reasons: tuple[Reason, ...],
    *,
    blocks: int = 0,
    **asked: Unpack[Asked],
) -> Endpoint:
    """An endpoint that nothing was measured for, or not enough."""
    told: dict[str, Any] = {**PLAIN, **asked}
    return Endpoint(
        name=name,
        question=question,
        verdict="inconclusive",
        estimate=None,
        low=None,
        high=None,
        margin=margin,
        blocks=blocks,
        reasons=reasons,
        **told,
    )


def of_values(
    name: str,
    question: str,
    values: Sequence[float],
    margin: Margin,
    *,
    reasons: tuple[Reason, ...] = (),
    **asked: Unpack[Asked],
) -> Endpoint:
    """An endpoint about a mean, one value per block: Student's t on the values themselves.

    For shares and differences, which may be 0 or negative. Of one value there is no interval.
    """
    blocks = len(values)
    if blocks < 2 or reasons:
        why = reasons or _too_few(blocks)
        return empty(name, question, margin, why, blocks=blocks, **asked)
    mean = Mean(*mean_and_error(values), blocks - 1)
    return of_mean(name, question, mean, margin, blocks=blocks, **asked)


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


def of_mean(
    name: str,
    question: str,
    mean: Mean,
    margin: Margin,
    *,
    blocks: int,
    **asked: Unpack[Asked],
) -> Endpoint:
    """An endpoint about a mean that may be 0 or negative."""
    reach = t_quantile(mean.degrees) * mean.error
    interval = (mean.centre - reach, mean.centre, mean.centre + reach)
    return decided(name, question, interval, margin, mean.p, blocks=blocks, **asked)


class Above(Protocol):
    def p_above(self, line: float, /) -> float:
        """How surprising the estimate is when the truth is at most `line`."""


def one_sided(found: Above) -> OneSided:
    def p(line: float, *, above: bool) -> float:
        p_above = found.p_above(line)
        return p_above if above else 1 - p_above

    return p


def _too_few(blocks: int) -> tuple[Reason, ...]:
    return ("too_few_blocks",) if blocks else ("not_measured",)
