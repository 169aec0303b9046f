"""What a domain can possibly take: wide enough for every machine, too narrow for a wrong unit.

Sensors that tell milliwatts in a file of microwatts, or nanojoules in one of microjoules, are
common; a factor of a thousand either way leaves these limits for any machine that computes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgebench.schema.energy import Scope


class Unmeasurable(Exception):
    """Why there are no joules, as a sentence for the record."""


# Watts: the least that it takes while the machine is on, and more than any takes under load.
LIMITS: dict[Scope, tuple[float, float]] = {
    "system": (0.2, 20_000),
    "platform": (0.2, 2_000),
    "device": (0.15, 400),
    "board": (0.15, 400),
    "module": (0.15, 400),
    "package": (0.05, 2_000),
    "gpu": (0.5, 3_000),
    "memory": (0.005, 1_000),
    "cores": (0.001, 2_000),
    "uncore": (0.0001, 1_000),
    "rail": (0.0001, 400),
    "accelerator": (0.0001, 1_000),
}

# Things that take at least this much are never at 0 while the machine is on.
WHOLE_W = 0.05


def highest_w(scope: Scope) -> float:
    return LIMITS[scope][1]


def refuse_sample(scope: Scope, watts: float) -> None:
    """Raises Unmeasurable for a single look that no such thing can give, 0 W of a board included.

    Rails and the like may well rest at 0 for a moment.
    """
    low, high = LIMITS[scope]
    if watts < 0 or watts > high or (watts == 0 and low >= WHOLE_W):
        raise Unmeasurable(f"It told {watts:.3g} W once, which this kind of thing cannot take.")


def refuse_implausible(scope: Scope, watts: float) -> None:
    """Raises Unmeasurable for an average that this kind of thing cannot have."""
    low, high = LIMITS[scope]
    if watts == 0:
        raise Unmeasurable("It told no energy at all: the sensor does not work here.")
    if not low <= watts <= high:
        raise Unmeasurable(
            f"It told {watts:.3g} W on average, outside of {low:g} to {high:g} W for this kind: "
            "a wrong unit is likely."
        )
