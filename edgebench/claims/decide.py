"""From an estimate with its interval to supported, refuted or inconclusive. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, Unpack

from edgebench.schema.claim import Endpoint, Margin

if TYPE_CHECKING:
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
        why = reasons or too_few(blocks)
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


class Above(Protocol):
    def p_above(self, line: float, /) -> float:
        """How surprising the estimate is when the truth is at most `line`."""


def one_sided(found: Above) -> OneSided:
    def p(line: float, *, above: bool) -> float:
        p_above = found.p_above(line)
        return p_above if above else 1 - p_above

    return p


def too_few(blocks: int) -> tuple[Reason, ...]:
    """Why fewer than two blocks say nothing."""
    return ("too_few_blocks",) if blocks else ("not_measured",)
