"""Right answers to the bundled items that a format, or leaving layers out, loses. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.claims import answers, relative_quality, resampling
from edgebench.schema.claim import Margin
from edgebench.schema.tasks import PRUNED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgebench.claims import Evidence
    from edgebench.claims.answers import Answer, Model
    from edgebench.schema.claim import Endpoint, Reason

SMALL = "smollm2-135m"
# Points of accuracy, as context-compress judges them.
MARGIN = Margin(support=5.0, refute=15.0, upward=False)
# task-items leaves four layers out in the middle, of this format.
PRUNED_OF = "Q4_0"


def endpoints(evidence: Evidence, base: str, formats: Sequence[str]) -> Iterator[Endpoint]:
    """Each format beside `base`; the model without layers beside the whole one."""
    known = answers.models(evidence)
    whole = {m.file.quant: m for m in known if m.file.model == SMALL and m.file.source != PRUNED}
    for quant in formats:
        yield _lost(f"accuracy_lost_{quant.lower()}", quant, whole.get(base), whole.get(quant))
    pruned = next((m for m in known if m.file.source == PRUNED), None)
    yield _lost("accuracy_lost_without_4_middle", "leaving out 4 layers in the middle",
                whole.get(PRUNED_OF), pruned)  # fmt: skip


def _lost(name: str, what: str, base: Model | None, head: Model | None) -> Endpoint:
    """Over the items that both answered; nothing can be lost where the base itself guesses."""
    pairs = _pairs(base, head) if base and head else []
    floor = resampling.bootstrap(
        [one for one, _ in pairs], relative_quality.beyond_chance, resampling.FEW_DRAWS
    )
    reasons: tuple[Reason, ...] = ("quality_floor",) if floor and floor.low <= 0 else ()
    return resampling.endpoint(
        name,
        f"How many points of accuracy does {what} lose on the bundled items?",
        resampling.bootstrap(pairs, points_lost, resampling.FEW_DRAWS),
        MARGIN,
        primary=False,
        unit="points",
        reasons=reasons,
        says=_right(pairs),
    )


def _pairs(base: Model, head: Model) -> list[tuple[Answer, Answer]]:
    return [
        (one, head.answers[item])
        for item, one in sorted(base.answers.items())
        if item in head.answers
    ]


def points_lost(pairs: Sequence[tuple[Answer, Answer]]) -> float:
    return 100 * sum(base.right - head.right for base, head in pairs) / len(pairs)


def _right(pairs: Sequence[tuple[Answer, Answer]]) -> str:
    if not pairs:
        return ""
    base, head = (sum(pair[side].right for pair in pairs) for side in (0, 1))
    return f"{head} of {len(pairs)} right, {base} by the base."
