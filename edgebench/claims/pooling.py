"""From verdicts per device to one over devices: the device is the unit.

Fewer than three devices of a kind are not pooled; it is only said how many showed what. From three
on, a random-effects mean over devices (DerSimonian and Laird, "Meta-analysis in clinical trials",
Controlled Clinical Trials 7, 1986) with the interval of Hartung and Knapp (Statistics in Medicine
20, 2001), which keeps its coverage with few studies.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgebench.analysis.stats import LogRatio
from edgebench.claims import decide

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edgebench.schema.claim import Endpoint

FEWEST_DEVICES = 3


def pooled(endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """One endpoint per name, in the order in which the names first come."""
    by_name: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        by_name.setdefault(endpoint.name, []).append(endpoint)
    return tuple(_of_name(found) for found in by_name.values())


def random_effects(estimates: Sequence[float], errors: Sequence[float]) -> LogRatio:
    """Mean of `estimates` (logarithms) over two or more devices, and its standard error."""
    weights = [1 / max(error, 1e-6) ** 2 for error in errors]
    fixed = _mean(estimates, weights)
    q = math.fsum(w * (x - fixed) ** 2 for w, x in zip(weights, estimates, strict=True))
    total = math.fsum(weights)
    scale = total - math.fsum(w * w for w in weights) / total
    between = max(0.0, (q - (len(estimates) - 1)) / scale)
    weights = [1 / (max(error, 1e-6) ** 2 + between) for error in errors]
    mean = _mean(estimates, weights)
    spread = math.fsum(w * (x - mean) ** 2 for w, x in zip(weights, estimates, strict=True))
    degrees = len(estimates) - 1
    return LogRatio(mean, math.sqrt(spread / degrees / math.fsum(weights)), degrees)


def _of_name(found: Sequence[Endpoint]) -> Endpoint:
    first = found[0]
    measured = [each for each in found if each.estimate is not None and each.low is not None]
    said = _count(found)
    whole = [e for e in measured if e.estimate and e.low and e.low > 0 and e.estimate > 0]
    if len(whole) < FEWEST_DEVICES:
        reasons = ("too_few_devices",) if measured else (first.reasons or ("not_measured",))
        empty = decide.empty(
            first.name, first.question, first.margin, reasons,
            scope="all", primary=first.primary, unit=first.unit,
        )  # fmt: skip
        return empty.model_copy(update={"says": said})
    ratio = random_effects([math.log(e.estimate or 1) for e in whole], [_error(e) for e in whole])
    endpoint = decide.of_ratio(
        first.name, first.question, ratio, first.margin, blocks=sum(e.blocks for e in whole),
        device=None, scope="all", primary=first.primary, unit=first.unit,
    )  # fmt: skip
    return endpoint.model_copy(update={"says": said})


def _error(endpoint: Endpoint) -> float:
    """Of the logarithm, from a 95 % t-interval over blocks."""
    from scipy.special import stdtrit

    reach = math.log((endpoint.high or 1) / (endpoint.low or 1)) / 2
    return reach / float(stdtrit(max(1, endpoint.blocks - 1), 0.975))


def _count(found: Sequence[Endpoint]) -> str:
    devices = len({endpoint.device for endpoint in found})
    words = ("supported", "refuted", "inconclusive")
    counts = {word: sum(e.verdict == word for e in found) for word in words}
    shown = ", ".join(f"{word} on {count}" for word, count in counts.items() if count)
    return f"Of {devices} device{'s' * (devices != 1)}: {shown}."


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    total = math.fsum(weights)
    return math.fsum(w * x for w, x in zip(weights, values, strict=True)) / total
