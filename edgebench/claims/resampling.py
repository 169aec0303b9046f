"""Intervals over items and over records: what does not vary from launch to launch.

The percentile bootstrap (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993) with a
fixed seed and Python's own generator, so that the same records give the same bytes; Wilson's
interval for plain shares (Journal of the American Statistical Association 22, 1927).
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, NamedTuple, TypeVar, Unpack

from edgebench.claims import decide

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgebench.schema.claim import Endpoint, Margin, Reason

T = TypeVar("T")
DRAWS = 2000
# For what decides nothing, and is shown beside what does.
FEW_DRAWS = 400
FEWEST_UNITS = 5
Z = 1.959963984540054


class Estimate(NamedTuple):
    """A figure with its 95 % interval over `units`; `draws` are sorted bootstrap estimates."""

    value: float
    low: float
    high: float
    units: int
    draws: tuple[float, ...] = ()

    def p(self, line: float, *, above: bool) -> float | None:
        """One-sided, against the truth lying on `line`: the share of draws that do not pass it."""
        if not self.draws:
            return None
        wrong = sum(draw < line if above else draw > line for draw in self.draws)
        return (wrong + 1) / (len(self.draws) + 1)


def bootstrap(
    units: Sequence[T],
    statistic: Callable[[Sequence[T]], float | None],
    draws: int = DRAWS,
    *,
    halves: bool = False,
) -> Estimate | None:
    """Units are drawn with replacement. None for too few, or where the statistic has no value.

    With `halves` each place is drawn from the places of its own parity: for a statistic that is
    fitted on every other unit and tried on the rest, so that no unit is on both sides.
    """
    value = statistic(units) if len(units) >= FEWEST_UNITS else None
    if value is None:
        return None
    rng = random.Random(f"edgebench {len(units)}")  # noqa: S311 - draws, no secret
    draw = _of_halves if halves else _of_all
    drawn = (statistic(draw(units, rng)) for _ in range(draws))
    return of_draws(value, [each for each in drawn if each is not None], len(units), draws)


def _of_all(units: Sequence[T], rng: random.Random) -> list[T]:
    return rng.choices(units, k=len(units))


def _of_halves(units: Sequence[T], rng: random.Random) -> list[T]:
    drawn = list(units)
    for parity in (0, 1):
        half = units[parity::2]
        drawn[parity::2] = rng.choices(half, k=len(half))
    return drawn


def of_draws(value: float, drawn: Sequence[float], units: int, draws: int) -> Estimate | None:
    """None where half of the draws or more had no value."""
    known = sorted(drawn)
    if len(known) <= draws // 2:
        return None
    low, high = (known[round(share * (len(known) - 1))] for share in (0.025, 0.975))
    return Estimate(value, low, high, units, tuple(known))


def wilson(hits: int, of: int) -> Estimate | None:
    """A share; None of nothing."""
    if not of:
        return None
    share = hits / of
    centre = (share + Z**2 / (2 * of)) / (1 + Z**2 / of)
    reach = Z / (1 + Z**2 / of) * math.sqrt(share * (1 - share) / of + Z**2 / (4 * of**2))
    return Estimate(share, max(0.0, centre - reach), min(1.0, centre + reach), of)


def endpoint(
    name: str,
    question: str,
    found: Estimate | None,
    margin: Margin,
    *,
    reasons: tuple[Reason, ...] = (),
    **asked: Unpack[decide.Asked],
) -> Endpoint:
    """Decided by the whole interval, as everywhere; `reasons` force "inconclusive"."""
    if found is None:
        return decide.empty(name, question, margin, reasons or ("not_measured",), **asked)
    interval = (found.low, found.value, found.high)
    return decide.decided(
        name, question, interval, margin, found.p, blocks=found.units, reasons=reasons, **asked
    )
