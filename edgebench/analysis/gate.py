"""The gate's rule, pure: from slowdowns and their intervals to pass, warn, fail, inconclusive.

A slowdown is a ratio, above 1 where head is worse. `fail` needs the 95 % interval of the slowdown
above the threshold in two independent sets of launches; on recorded launches of a noisy machine
that never failed a program against itself (docs/gate.md). All cells count as one question: their
p values are Holm-adjusted.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from edgebench.analysis import stats
from edgebench.analysis.comparable import capital
from edgebench.analysis.compare import ALPHA, to_ratio
from edgebench.schema.comparison import Judgement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.analysis.stats import LogRatio
    from edgebench.schema.comparison import Metric, Ratio, Verdict

# One-sided: the lower end of a two-sided 95 % interval.
LEVEL = ALPHA / 2
SEVERITY: tuple[Verdict, ...] = ("pass", "warn", "inconclusive", "fail")

UNVERIFIED = " Unverified: whether the output is right is not known."


class Evidence(NamedTuple):
    """One metric of one cell. `first` and `second` are independent sets of launches.

    `whole` decides everything but failing; `second` is None where it was not called for.
    `unverified`: neither side's output could be judged, only its speed.
    """

    label: str
    cell: str
    metric: Metric
    pairs: int
    whole: LogRatio
    first: LogRatio
    second: LogRatio | None
    smallest_detectable: float | None
    unverified: bool = False


def judge(evidence: Sequence[Evidence], threshold: float) -> list[Judgement]:
    """One judgement per piece of evidence; `threshold` is a share, 0.05 for 5 % slower."""
    suspected = calls_for_confirmation(evidence, threshold)
    shown = [
        each if suspect else each._replace(second=None)
        for each, suspect in zip(evidence, suspected, strict=True)
    ]
    confirmed = _confirmed(shown, threshold)
    slower = stats.holm([each.whole.p_above(1) for each in evidence])
    return [
        _judgement(each, _verdict(each, fails, p, threshold), p)
        for each, fails, p in zip(shown, confirmed, slower, strict=True)
    ]


def calls_for_confirmation(evidence: Sequence[Evidence], threshold: float) -> list[bool]:
    """Which slowdowns are above the threshold in the first set: these need fresh launches."""
    adjusted = stats.holm([each.first.p_above(1 + threshold) for each in evidence])
    return [p <= LEVEL for p in adjusted]


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The gate's own verdict: of nothing, inconclusive."""
    return max(verdicts, key=SEVERITY.index, default="inconclusive")


def _confirmed(suspected: Sequence[Evidence], threshold: float) -> list[bool]:
    """Which second sets are above the threshold as well; only suspects still have one."""
    p_values = {
        place: each.second.p_above(1 + threshold)
        for place, each in enumerate(suspected)
        if each.second
    }
    adjusted = dict(zip(p_values, stats.holm(list(p_values.values())), strict=True))
    return [adjusted.get(place, 1.0) <= LEVEL for place in range(len(suspected))]


def _verdict(each: Evidence, fails: bool, p_slower: float, threshold: float) -> tuple[Verdict, str]:
    low, high = each.whole.bounds()
    limit = f"{threshold:.1%}"
    if fails:
        return "fail", f"slower by more than {limit}, and again in an independent set of launches."
    if p_slower <= LEVEL:
        return "warn", _why_only_warned(each, threshold)
    if high < 1 + threshold:
        return "pass", f"a slowdown of {limit} is excluded: at most {_percent(high)}."
    return (
        "inconclusive",
        f"the interval reaches from {_percent(low)} to {_percent(high)}, across {limit}: "
        "more pairs, or a quieter machine.",
    )


def _why_only_warned(each: Evidence, threshold: float) -> str:
    low, high = each.whole.bounds()
    if high < 1 + threshold:
        return f"slower, but by less than {threshold:.1%}."
    if low > 1 + threshold:
        return f"slower by more than {threshold:.1%}, which a second set did not confirm."
    return f"slower, not shown to be by more than {threshold:.1%}."


def _judgement(each: Evidence, found: tuple[Verdict, str], p: float) -> Judgement:
    verdict, reason = found
    return Judgement(
        label=each.label,
        cell=each.cell,
        metric=each.metric,
        pairs=each.pairs,
        slowdown=to_ratio(each.whole, p),
        confirmation=_confirmation(each.second),
        smallest_detectable=each.smallest_detectable,
        verdict=verdict,
        reason=f"{capital(reason)}{UNVERIFIED * each.unverified}",
        unverified=each.unverified,
    )


def _confirmation(second: LogRatio | None) -> Ratio | None:
    return to_ratio(second, second.p_above(1)) if second else None


def _percent(ratio: float) -> str:
    """`+4.1 %` for a slowdown of 1.041; a factor where per cent would be hard to read."""
    return f"{ratio - 1:+.1%}" if ratio < 10 and math.isfinite(ratio) else f"{ratio:.3g} times"
