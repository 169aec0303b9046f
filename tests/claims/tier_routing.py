"""Made evidence for tier-routing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.claims.makers import evidence, experiment
from tests.claims.small_good_enough import FAMILIES, LARGE, PER_FAMILY, SMALL, point, points

if TYPE_CHECKING:
    from edgebench.claims import Evidence
    from tests.claims.makers import Effect


def made(effect: Effect) -> Evidence:
    """The large tier knows everything. What the small one gets wrong it is unsure of, sure of
    (then nothing may stay local), or now and then sure of.
    """
    small = []
    for place, family in enumerate(FAMILIES):
        for number in range(PER_FAMILY):
            right = number % 10 < 6
            sure = right if effect == "supported" else not right
            if effect == "astride":
                sure = right or (number + place) % 41 == 9
            small.append(point(SMALL, family, number, right=right, ahead=1.0 if sure else 0.2))
    blocks = [[*small, *points(LARGE, 10)]]
    return evidence(experiments=(experiment("task-items", blocks, files=(SMALL, LARGE)),))
