"""Quality of a small model relative to a larger one, over the items that both answered. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.claims import answers, resampling

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgebench.claims.answers import Answer, Model
    from edgebench.claims.resampling import Estimate
    from edgebench.schema.claim import Reason


def relative(
    small: Model,
    large: Model,
    chosen: Callable[[Answer], bool] = lambda _answer: True,
    draws: int = resampling.FEW_DRAWS,
) -> tuple[Estimate | None, tuple[Reason, ...]]:
    """RQ over the items that both answered: chance-corrected accuracy, small over large.

    `quality_floor` where the large model itself is not beyond chance.
    """
    shared = [
        (one, large.answers[item])
        for item, one in sorted(small.answers.items())
        if item in large.answers and chosen(one)
    ]
    floor = resampling.bootstrap([two for _, two in shared], beyond_chance, resampling.FEW_DRAWS)
    if floor is None:
        return None, ()
    found = resampling.bootstrap(shared, quotient, draws)
    return found, () if floor.low > 0 and found is not None else ("quality_floor",)


def beyond_chance(found: Sequence[Answer]) -> float | None:
    return answers.corrected((float(each.right), each.chance) for each in found)


def over_rule(found: Sequence[Answer]) -> float:
    return sum(each.right - each.rule for each in found) / len(found)


def quotient(pairs: Sequence[tuple[Answer, Answer]]) -> float | None:
    one, two = (beyond_chance([pair[side] for pair in pairs]) for side in (0, 1))
    return one / two if one is not None and two is not None and two > 0 else None


def difference(pairs: Sequence[tuple[Answer, Answer]]) -> float | None:
    language, knowledge = (
        quotient([pair for pair in pairs if pair[0].ability == ability])
        for ability in ("language", "knowledge")
    )
    return None if language is None or knowledge is None else language - knowledge
