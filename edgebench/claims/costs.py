"""Dollars per million tokens on one's own device, as draws: a formula and its inputs. Pure.

Cost = price / (life x utilisation x speed) + energy / speed x electricity. What is uncertain is
drawn from a fixed seed, so that the same record costs the same.
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, NamedTuple

from edgebench.analysis import stats
from edgebench.claims import price_table, resampling

if TYPE_CHECKING:
    from collections.abc import Sequence

FULL = 1.00
DRAWS = 2000
HOURS_PER_YEAR, SECONDS_PER_HOUR = 8766.0, 3600.0
JOULES_PER_KWH = 3.6e6


class Measured(NamedTuple):
    """The cheapest way to run the model here. Watts are None without a meter of the device."""

    workload: str
    speeds: tuple[float, ...]
    active_w: float | None
    idle_w: float | None
    price_usd: float | None


class Cost(NamedTuple):
    """Dollars per million tokens: one draw."""

    hardware: float
    electricity: float

    @property
    def total(self) -> float:
        return self.hardware + self.electricity


def draws(best: Measured, utilisation: float, count: int = DRAWS) -> list[Cost]:
    """Seeded, so that the same record costs the same. Without watts: hardware alone."""
    rng = random.Random("edgebench local-cost 1")  # noqa: S311 - draws, no secret
    table = price_table.load()
    life, power = table.device_life_years, table.electricity_usd_per_kwh
    found = []
    for _ in range(count):
        speed = rng.choice(best.speeds)
        years, per_kwh = rng.uniform(life.low, life.high), rng.uniform(power.low, power.high)
        seconds = 1e6 / speed
        busy_s = years * HOURS_PER_YEAR * SECONDS_PER_HOUR * utilisation
        hardware = (best.price_usd or 0.0) * seconds / busy_s
        joules = (best.active_w or 0.0) * seconds
        joules += (best.idle_w or 0.0) * seconds * (1 - utilisation) / utilisation
        found.append(Cost(hardware, joules / JOULES_PER_KWH * per_kwh))
    return found


def break_even_tokens_per_day(best: Measured, api_usd: float) -> float | None:
    """Tokens a day from which the device pays over its life; None where it never does."""
    full = draws(best, FULL)
    marginal = math.fsum(each.electricity for each in full) / len(full)
    if api_usd <= marginal or best.price_usd is None:
        return None
    life = price_table.load().device_life_years
    days = (life.low + life.high) / 2 * HOURS_PER_YEAR / 24
    return best.price_usd / days / (api_usd - marginal) * 1e6


def band(values: Sequence[float]) -> resampling.Estimate:
    low, middle, high = (stats.quantile(values, share) or 0.0 for share in (0.025, 0.5, 0.975))
    return resampling.Estimate(middle, low, high, len(values))
