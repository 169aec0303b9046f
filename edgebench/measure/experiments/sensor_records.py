"""Sensor records put to a model: a label by probability, and for some the label as JSON.

A block is 30 new records, ten per task, in every encoding. One solved example per label is read
once per task and encoding and rewound to (`shots` 1); the time to the first token of a record that
stands alone is measured apart, from an empty context, without examples (`shots` 0).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from edgebench.measure.experiments import answering, sensors
from edgebench.measure.experiments.answering import Ask, Text
from edgebench.schema.experiment import Point

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from edgebench.measure.experiments import World
    from edgebench.measure.experiments.answering import Answer, Answered
    from edgebench.measure.experiments.sensors import Record
    from edgebench.models.prepared import Prepared
    from edgebench.schema.experiment import Scalar

PER_TASK, ALONE, WRITTEN = 10, 2, 2
CONTEXT_TOKENS, JSON_TOKENS = 1024, 24
# Examples are drawn from seeds that no block reaches.
_EXAMPLES = 10_000_000
_BLOCK_S = 18.0


class _Asked(NamedTuple):
    """`mode`: "label" is scored after examples, "alone" without, "json" is written."""

    text: Text
    mode: str
    encoding: str
    records: tuple[Record, ...]


class SensorRecords:
    """Settings: `model`, `quant` (Q4_0), `per_task` records per block."""

    kind = "sensor-records"
    version = 1

    def why_not(self, world: World) -> str | None:
        return world.probe("llama.cpp").why_not

    def files(self, world: World) -> Sequence[Prepared]:
        return [world.chosen("Q4_0")]

    def block_s(self, world: World) -> float:
        return 2.0 + _BLOCK_S * int(world.settings.get("per_task", PER_TASK)) / PER_TASK

    def block(self, world: World, index: int, rng: random.Random) -> Sequence[Point]:
        """Records that no other block has. Raises NotUsableHere without the engine."""
        (file,) = self.files(world)
        asked = questions(index, int(world.settings.get("per_task", PER_TASK)))
        rng.shuffle(asked)
        texts = [each.text for each in asked]
        found = answering.answer(world, file.path, texts, CONTEXT_TOKENS)
        return _points(asked, found)


def questions(index: int, per_task: int = PER_TASK) -> list[_Asked]:
    made = []
    for task in sensors.TASKS:
        seeds = range(index * per_task, (index + 1) * per_task)
        records = tuple(sensors.draw(task, seed) for seed in seeds)
        for encoding in sensors.ENCODINGS:
            made += _of_encoding(task, encoding, records)
    return made


def _of_encoding(task: str, encoding: str, records: tuple[Record, ...]) -> list[_Asked]:
    labels = sensors.LABELS[task]
    options = tuple(f" {label}" for label in labels)
    shown = [sensors.draw(task, _EXAMPLES + place) for place in range(len(labels))]
    solved = "".join(f"{_prompt(each, encoding)} {each.label}\n\n" for each in shown)
    asks = tuple(Ask(_prompt(each, encoding), options) for each in records)
    alone = [
        _Asked(Text("", (ask,)), "alone", encoding, (record,))
        for ask, record in zip(asks[:ALONE], records, strict=False)
    ]
    return [
        _Asked(Text(solved, asks), "label", encoding, records),
        *alone,
        _json_question(encoding, shown, records[:WRITTEN]),
    ]


def _json_question(encoding: str, shown: Sequence[Record], records: tuple[Record, ...]) -> _Asked:
    solved = "".join(
        f"{_prompt(each, encoding)} {json.dumps({'label': each.label})}\n\n" for each in shown
    )
    asks = (Ask(_prompt(each, encoding), write=JSON_TOKENS, stop="\n") for each in records)
    return _Asked(Text(solved, tuple(asks)), "json", encoding, records)


def _prompt(record: Record, encoding: str) -> str:
    said = sensors.encode(record, encoding)
    return f"Record: {said}\nQuestion: {sensors.QUESTIONS[record.task]}\nAnswer:"


def _points(asked: Sequence[_Asked], found: Answered) -> list[Point]:
    points = []
    for number, each in enumerate(asked):
        for place, record in enumerate(each.records):
            condition: dict[str, Scalar] = {
                "task": record.task, "encoding": each.encoding, "mode": each.mode,
                "label": record.label, "rule": sensors.rule(record),
                "labels": len(sensors.LABELS[record.task]),
            }  # fmt: skip
            said = found.answers.get((number, place))
            if said is None:
                values: dict[str, float | None] = {"record_tokens": None}
                points.append(Point(condition=condition, values=values, why=found.why_missing()))
            else:
                points.append(_point(condition, each.mode, record, said, found))
    return points


def _point(
    condition: dict[str, Scalar], mode: str, record: Record, said: Answer, found: Answered
) -> Point:
    """`record_tokens` counts the prompt: the record and the question about it."""
    values: dict[str, float | None] = {
        "record_tokens": said.prompt_tokens,
        "prompt_s": said.prompt_s,
        "answer_s": said.answer_s,
        "waited_share": found.waited_share,
    }
    if mode == "json":
        return Point(condition=condition, values=values | judge_label(record, said.wrote))
    labels = sensors.LABELS[record.task]
    best = max(range(len(labels)), key=lambda place: said.log_probabilities[place])
    condition = condition | {"answered": labels[best]}
    for place, probability in enumerate(said.log_probabilities):
        values[f"log_probability_{place}"] = probability
    return Point(condition=condition, values=values)


def judge_label(record: Record, wrote: str) -> dict[str, float | None]:
    """1 or 0: is the first line a JSON object with a known label, and is it the right one."""
    try:
        found = json.loads(wrote.strip().partition("\n")[0])
    except (ValueError, RecursionError):
        found = None
    label = found.get("label") if isinstance(found, dict) else None
    known = isinstance(label, str) and label in sensors.LABELS[record.task]
    return {"valid_json": float(known), "right_label": float(label == record.label)}
