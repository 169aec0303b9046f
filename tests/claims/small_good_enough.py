"""Made evidence for small-good-enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.claims.makers import evidence, experiment, file
from tests.results_maker import SHAPE

if TYPE_CHECKING:
    from edgebench.claims import Evidence
    from edgebench.schema.cell import MeasuredFile
    from tests.claims.makers import Effect

FAMILIES = {"intent": "language", "extraction": "language", "yes_no": "language",
            "arithmetic": "reasoning", "fact": "knowledge"}  # fmt: skip
PER_FAMILY = 44
SMALL = file("small")
LARGE = file("large", shape=SHAPE.model_copy(update={"layers": 200}))
# Of ten items: how many the small model has right; the large one has nine.
RIGHT_OF_TEN = {"supported": 9, "refuted": 4, "astride": 7}


def made(effect: Effect) -> Evidence:
    blocks = [
        [*points(SMALL, RIGHT_OF_TEN[effect]), *points(LARGE, 9)],
    ]
    return evidence(experiments=(experiment("task-items", blocks, files=(SMALL, LARGE)),))


def points(of: MeasuredFile, right_of_ten: int, confidence: float = 1.0) -> list[tuple[Any, Any]]:
    """Four options each; the first `right_of_ten` of every ten items are answered right."""
    return [
        point(of, family, number, right=number % 10 < right_of_ten, ahead=confidence)
        for family in FAMILIES
        for number in range(PER_FAMILY)
    ]


def point(
    of: MeasuredFile, family: str, number: int, *, right: bool, ahead: float
) -> tuple[dict[str, Any], dict[str, float | None]]:
    """`ahead`: by how much per byte the chosen option beats the others."""
    condition = {
        "file": of.sha256, "quant": of.quant, "item": f"{family}-{number:02}", "shots": 3,
        "family": family, "ability": FAMILIES[family], "answer": 1, "options": 4, "rule": None,
    }  # fmt: skip
    values: dict[str, float | None] = {"prompt_tokens": 40.0, "prompt_s": 0.05, "answer_s": 0.02}
    chosen = 1 if right else 2
    for place in range(4):
        values[f"log_probability_{place}"] = -10.0 + (10 * ahead if place == chosen else 0.0)
        values[f"bytes_{place}"] = 10.0
    return condition, values
