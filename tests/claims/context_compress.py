"""Made evidence for context-compress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.claims.makers import NOISY, STEADY, evidence, experiment

if TYPE_CHECKING:
    from edgebench.claims import Evidence
    from tests.claims.makers import Effect

QUESTIONS = 5
FULL_S = 10.0
# Seconds with retrieval to a quarter, and how many of five answers are then right; before, all.
SHORT_S = {"supported": 2.5, "refuted": 9.5, "astride": 6.0}
RIGHT = {"supported": 5, "refuted": 2, "astride": 5}


def made(effect: Effect) -> Evidence:
    scatter = NOISY if effect == "astride" else STEADY
    blocks = []
    for number, each in enumerate(scatter):
        right = 4 if effect == "astride" and number % 2 else RIGHT[effect]
        blocks.append([
            point("full", 1.0, question, FULL_S, right=True, tokens=2000.0 + 300 * number)
            for question in range(QUESTIONS)
        ] + [
            point("bm25", 0.25, question, SHORT_S[effect] * each, right=question < right)
            for question in range(QUESTIONS)
        ])  # fmt: skip
    return evidence(experiments=(experiment("context-compress", blocks, verified=None),))


def point(
    method: str, ratio: float, question: int, seconds: float, *, right: bool, tokens: float = 700.0
) -> tuple[dict[str, Any], dict[str, float | None]]:
    condition = {"method": method, "ratio": ratio, "question": question, "answer": 0}
    values: dict[str, float | None] = {
        "first_token_s": seconds, "reading_s": seconds, "shortening_s": 0.01,
        "context_tokens": tokens, "kept_evidence": 1.0, "waited_share": 0.0,
    }  # fmt: skip
    for place in range(4):
        values[f"log_probability_{place}"] = -1.0 if place == (0 if right else 1) else -9.0
        values[f"bytes_{place}"] = 6.0
    return condition, values
