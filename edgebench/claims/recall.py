"""The secondary reading of context-cost: is what was said in the middle of a text forgotten, and
the rule that was said before it?
"""

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


# Of the share of answers that keep a rule right after it less that at the greatest distance.
OBEDIENCE = "obedience"
OBEDIENCE_MARGIN = Margin(support=0.20, refute=EQUAL)


def obedience(evidence: Evidence) -> Endpoint:
    """Near minus far, block by block; what keeps a rule untold is told beside it."""
    distances = [
        distance
        for _, _, point in evidence.points(OBEDIENCE)
        if isinstance(distance := point.condition.get("distance_tokens"), int)
    ]
    farthest = max(distances, default=0)
    near, far, untold = (
        _share(evidence, OBEDIENCE, "obeyed", lambda c, is_told=told, at=at: (  # type: ignore[misc]
            c["told"] is is_told and c["distance_tokens"] == at))
        for told, at in ((True, 0), (True, farthest), (False, 0))
    )  # fmt: skip
    shared = sorted(set(near) & set(far)) if farthest else []
    known = _mean(near)
    floor: tuple[Reason, ...] = ("quality_floor",) if known is not None and known < FLOOR else ()
    says = "" if known is None else (
        f"Right after the rule {known:.0%} of answers keep it, {_mean(far) or 0:.0%} after "
        f"{farthest:,} tokens, {_mean(untold) or 0:.0%} where it was never said."
    )  # fmt: skip
    return means.of_values(
        "obedience_near_less_far",
        "Is a rule in the system field kept less often when much text has come since?",
        [near[block] - far[block] for block in shared],
        OBEDIENCE_MARGIN,
        unit="share of answers",
        primary=False,
        reasons=floor,
        says=says,
    )


def endpoint(evidence: Evidence) -> Endpoint:
    """End minus middle, block by block, over all but the shortest texts."""
    end, middle = (
        _accuracy(evidence, lambda c, at=at: _long(c) and c["position"] in at)  # type: ignore[misc]
        for at in (END, MIDDLE)
    )
    short = _accuracy(evidence, lambda c: not _long(c))
    known = _mean(short)
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
    return _share(evidence, KIND, "correct", fits)


def _share(
    evidence: Evidence, kind: str, value: str, fits: Callable[[Mapping[str, object]], bool]
) -> dict[Block, float]:
    found: dict[Block, list[float]] = {}
    for experiment, block, point in evidence.points(kind):
        told = point.values.get(value)
        if told is not None and fits(point.condition):
            found.setdefault((experiment.run_id, block.index), []).append(told)
    return {block: math.fsum(each) / len(each) for block, each in found.items()}


def _mean(shares: Mapping[Block, float]) -> float | None:
    return math.fsum(shares.values()) / len(shares) if shares else None


def _long(condition: Mapping[str, object]) -> bool:
    tokens = condition["prompt_tokens"]
    return isinstance(tokens, int) and tokens > SHORT_TOKENS
