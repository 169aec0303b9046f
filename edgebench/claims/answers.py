"""Answers to the bundled items, from points to right or wrong. Pure.

The option with the highest log-probability per byte is the answer: long options are not at a
disadvantage, and the tokenizer does not matter (the length normalisation of Brown et al., 2020, by
bytes). A file's answers do not depend on the machine, so the first answer to an item counts.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from edgebench.claims import Evidence
    from edgebench.schema.cell import MeasuredFile
    from edgebench.schema.experiment import Point

KIND = "task-items"
SHOTS = 3


class Answer(NamedTuple):
    """`chance` is what guessing gets; `rule` the expected score of the rule baseline, 0 to 1.

    `confidence` is the answer's share of the options' probabilities per byte, `margin` how far it
    is ahead of the second.
    """

    item: str
    family: str
    ability: str
    right: bool
    chance: float
    rule: float
    confidence: float
    margin: float
    prompt_tokens: float
    seconds: float | None


class Model(NamedTuple):
    """What one file answered, by item, with SHOTS examples."""

    file: MeasuredFile
    answers: Mapping[str, Answer]

    @property
    def parameters(self) -> int:
        return parameters(self.file)


def models(evidence: Evidence, shots: int = SHOTS) -> list[Model]:
    """Every file that answered, the smallest model first; of one model the smallest file first."""
    files: dict[str, MeasuredFile] = {}
    answers: dict[str, dict[str, Answer]] = {}
    for experiment, _, point in evidence.points(KIND):
        sha256 = point.condition.get("file")
        known = next((file for file in experiment.files if file.sha256 == sha256), None)
        found = answer(point) if known and point.condition.get("shots") == shots else None
        if known and found:
            files[known.sha256] = known
            answers.setdefault(known.sha256, {}).setdefault(found.item, found)
    made = [Model(files[sha256], answers[sha256]) for sha256 in files]
    return sorted(made, key=lambda each: (each.parameters, each.file.size_bytes, each.file.sha256))


def answer(point: Point) -> Answer | None:
    """None where nothing was measured, or where the point is not about options."""
    condition, values = point.condition, point.values
    scores = per_byte(values)
    right, count = condition.get("answer"), condition.get("options")
    if len(scores) < 2 or count != len(scores) or not isinstance(right, int):
        return None
    best = max(range(len(scores)), key=scores.__getitem__)
    shares = sorted(softmax(scores), reverse=True)
    rule = condition.get("rule")
    return Answer(
        item=str(condition.get("item")), family=str(condition.get("family")),
        ability=str(condition.get("ability")), right=best == right, chance=1 / len(scores),
        rule=1 / len(scores) if rule is None else float(rule == right), confidence=shares[0],
        margin=shares[0] - shares[1], prompt_tokens=values.get("prompt_tokens") or 0.0,
        seconds=seconds(values),
    )  # fmt: skip


def per_byte(values: Mapping[str, float | None]) -> list[float]:
    """Log-probability per byte of each option, in order; empty where one is missing."""
    found: list[float] = []
    while (score := values.get(f"log_probability_{len(found)}")) is not None:
        size = values.get(f"bytes_{len(found)}")
        if not size or size <= 0:
            return []
        found.append(score / size)
    return found


def softmax(scores: Sequence[float]) -> list[float]:
    top = max(scores)
    raised = [math.exp(each - top) for each in scores]
    total = math.fsum(raised)
    return [each / total for each in raised]


def seconds(values: Mapping[str, float | None]) -> float | None:
    prompt, rest = values.get("prompt_s"), values.get("answer_s")
    return None if prompt is None or rest is None else prompt + rest


def parameters(file: MeasuredFile) -> int:
    """From the shape; where a recorded answer has none, one byte of the file each."""
    shape = file.shape
    if shape is None:
        return file.size_bytes
    kv = shape.hidden * shape.kv_heads // shape.heads
    layer = 2 * shape.hidden * (shape.hidden + kv) + 3 * shape.hidden * shape.ffn
    tables = shape.vocabulary * shape.hidden * (1 if shape.tied_embeddings else 2)
    return shape.layers * layer + tables


def corrected(pairs: Iterable[tuple[float, float]]) -> float | None:
    """Accuracy beyond chance, of (score, chance): 1 is everything right, 0 is guessing."""
    scored = list(pairs)
    room = math.fsum(1 - chance for _, chance in scored)
    return math.fsum(score - chance for score, chance in scored) / room if room else None
