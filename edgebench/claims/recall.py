"""The secondary reading of context-cost: is what was said in the middle of a text forgotten?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgebench.claims import means
from edgebench.schema.claim import Margin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgebench.claims import Evidence
    from edgebench.claims.figures import Block
    from edgebench.schema.claim import Endpoint, Reason

KIND = "pass-key"
MIDDLE, END = (0.25, 0.5, 0.75), (1.0,)
SHORT_TOKENS = 128
FLOOR = 0.8
EQUAL = 0.05
# Of the accuracy at the end less that in the middle.
MARGIN = Margin(support=0.10, refute=EQUAL)


def endpoint(evidence: Evidence) -> Endpoint:
    """End minus middle, block by block, over all but the shortest texts."""
    end, middle = (
        _accuracy(evidence, lambda c, at=at: _long(c) and c["position"] in at)  # type: ignore[misc]
        for at in (END, MIDDLE)
    )
    short = _accuracy(evidence, lambda c: not _long(c))
    known = math.fsum(short.values()) / len(short) if short else None
    floor = known is not None and known < FLOOR
    reasons: tuple[Reason, ...] = ("quality_floor",) if floor else ()
    shared = sorted(set(end) & set(middle))
    says = "" if known is None else f"{known:.0%} of the shortest texts were answered rightly."
    return means.of_values(
        "pass_key_end_less_middle",
        "Is a pass-key in the middle of a text found less often than one at its end?",
        [end[block] - middle[block] for block in shared],
        MARGIN,
        unit="share of answers",
        primary=False,
        reasons=reasons,
        says=says,
    )


def _accuracy(
    evidence: Evidence, fits: Callable[[Mapping[str, object]], bool]
) -> dict[Block, float]:
    """The share of right answers of each block."""
    found: dict[Block, list[float]] = {}
    for experiment, block, point in evidence.points(KIND):
        correct = point.values.get("correct")
        if correct is not None and fits(point.condition):
            found.setdefault((experiment.run_id, block.index), []).append(correct)
    return {block: math.fsum(each) / len(each) for block, each in found.items()}


def _long(condition: Mapping[str, object]) -> bool:
    tokens = condition["prompt_tokens"]
    return isinstance(tokens, int) and tokens > SHORT_TOKENS
