"""From verdicts per device to one over devices: the device is the unit.

Fewer than three devices of a kind are not pooled; it is only said how many showed what. From three
on, a random-effects mean over devices (DerSimonian and Laird, "Meta-analysis in clinical trials",
Controlled Clinical Trials 7, 1986) with the interval of Hartung and Knapp (Statistics in Medicine
20, 2001), which keeps its coverage with few studies. Logarithms are averaged where every device's
interval is above zero, else the values themselves: no device is left out for its sign.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgebench.analysis import stats
from edgebench.analysis.stats import LogRatio
from edgebench.claims import decide, means

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edgebench.schema.claim import Endpoint

FEWEST_DEVICES = 3


def pooled(endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """One endpoint per name, in the order in which the names first come.

    Devices that did not measure it are not counted.
    """
    by_name: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        by_name.setdefault(endpoint.name, []).append(endpoint)
    return tuple(_of_name(found) for found in by_name.values())


def random_effects(estimates: Sequence[float], errors: Sequence[float]) -> LogRatio:
    """Mean of `estimates` over two or more devices, and its standard error; mostly logarithms."""
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
    found = [each for each in found if not unmeasured(each)] or found
    first, said = found[0], _count(found)
    measured = [each for each in found if _bounded(each)]
    if len(measured) < FEWEST_DEVICES:
        reasons = ("too_few_devices",) if measured else (first.reasons or ("not_measured",))
        pooled = decide.empty(
            first.name, first.question, first.margin, reasons,
            scope="all", primary=first.primary, unit=first.unit,
        )  # fmt: skip
    elif all(low > 0 for each in measured for low in _bounds(each)):
        pooled = _of_logarithms(first, measured)
    else:
        pooled = _of_values(first, measured)
    return pooled.model_copy(update={"says": said})


def _of_logarithms(first: Endpoint, measured: Sequence[Endpoint]) -> Endpoint:
    scaled = [tuple(math.log(value) for value in _bounds(each)) for each in measured]
    return decide.of_ratio(
        first.name, first.question, _effect(scaled, measured), first.margin,
        blocks=sum(each.blocks for each in measured),
        device=None, scope="all", primary=first.primary, unit=first.unit,
    )  # fmt: skip


def _of_values(first: Endpoint, measured: Sequence[Endpoint]) -> Endpoint:
    effect = _effect([_bounds(each) for each in measured], measured)
    return means.of_mean(
        first.name, first.question, means.Mean(*effect), first.margin,
        blocks=sum(each.blocks for each in measured),
        scope="all", primary=first.primary, unit=first.unit,
    )  # fmt: skip


def _effect(scaled: Sequence[tuple[float, ...]], measured: Sequence[Endpoint]) -> LogRatio:
    """`scaled`: low, estimate and high of each device, whose intervals are t's over its blocks."""
    errors = [
        (high - low) / 2 / stats.t_quantile(max(1, each.blocks - 1))
        for (low, _, high), each in zip(scaled, measured, strict=True)
    ]
    return random_effects([estimate for _, estimate, _ in scaled], errors)


def _bounded(endpoint: Endpoint) -> bool:
    return None not in (endpoint.low, endpoint.estimate, endpoint.high)


def _bounds(endpoint: Endpoint) -> tuple[float, float, float]:
    """Low, estimate, high of an endpoint that has them."""
    return (endpoint.low or 0.0, endpoint.estimate or 0.0, endpoint.high or 0.0)


def unmeasured(endpoint: Endpoint) -> bool:
    """A device that measured nothing of it, which is not one that showed nothing."""
    return endpoint.estimate is None and endpoint.reasons == ("not_measured",)


def _count(found: Sequence[Endpoint]) -> str:
    if all(map(unmeasured, found)):
        return ""
    devices = len({endpoint.device for endpoint in found})
    words = ("supported", "refuted", "inconclusive")
    counts = {word: sum(e.verdict == word for e in found) for word in words}
    shown = ", ".join(f"{word} on {count}" for word, count in counts.items() if count)
    return f"Of {devices} device{'s' * (devices != 1)}: {shown}."


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    total = math.fsum(weights)
    return math.fsum(w * x for w, x in zip(weights, values, strict=True)) / total
