"""The bundled items, put to a model: options by probability, and sentences written as JSON.

A block is a fixed slice of the items, each family in it alike: answers do not vary from launch to
launch, so the items are what intervals are over. Prompts of three solved examples are read once
per family and rewound to; `prompt_s` is the item's own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from edgebench import files
from edgebench.measure.experiments import answering, pruned, rules
from edgebench.measure.experiments.answering import Ask, Text
from edgebench.schema.experiment import Point
from edgebench.schema.tasks import Item, Tasks

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from edgebench.measure.experiments import World
    from edgebench.measure.experiments.answering import Answer, Answered
    from edgebench.models.prepared import Prepared
    from edgebench.schema.experiment import Scalar
    from edgebench.schema.tasks import FormatItem

SLICES = 4
SHOTS = (0, 3)
QUANTS = "Q4_0,Q8_0"
WITHOUT_LAYERS = 4
CONTEXT_TOKENS = 1024
JSON_TOKENS = 48
JSON_TASK = "Write the reading as a JSON object with the keys sensor, room and value.\n\n"
_ITEM_S, _JSON_S = 0.12, 0.5


class _Asked(NamedTuple):
    """What one text asks: items of a family with that many examples, or JSON sentences."""

    text: Text
    items: tuple[Item | FormatItem, ...]
    shots: int


def load_tasks() -> Tasks:
    return files.read_json(files.packaged("tasks.v1.json"), Tasks)


class TaskItems:
    """Settings: `model`, `quants` (with commas), `items` (the most per family and block), how many
    layers a further tier does without (`without_layers`; 0: none such), and `only_shots`: options
    alone are scored, after that many examples.
    """

    kind = "task-items"
    version = 1

    def why_not(self, world: World) -> str | None:
        return world.probe("llama.cpp").why_not

    def files(self, world: World) -> Sequence[Prepared]:
        found = [world.model(world.model_name, quant, "real") for quant in _quants(world)]
        count = int(world.settings.get("without_layers", WITHOUT_LAYERS))
        return [*found, pruned.without_layers(world, found[0], count)] if count else found

    def block_s(self, world: World) -> float:
        tasks, only = load_tasks(), world.settings.get("only_shots")
        count = len(_quants(world)) + bool(world.settings.get("without_layers", WITHOUT_LAYERS))
        items = len(tasks.items) * (len(SHOTS) if only is None else 1) * _ITEM_S
        written = len(tasks.json_items) * _JSON_S if only is None else 0.0
        return 4.0 + count * (items + written) / SLICES

    def block(self, world: World, index: int, rng: random.Random) -> Sequence[Point]:
        """Slice `index` modulo SLICES. Raises NotUsableHere without the engine."""
        settings = world.settings
        asked = questions(
            load_tasks(), index % SLICES, settings.get("items"), settings.get("only_shots")
        )
        prepared = list(self.files(world))
        rng.shuffle(prepared)
        points = []
        for file in prepared:
            order = rng.sample(asked, len(asked))
            texts = [each.text for each in order]
            found = answering.answer(world, file.path, texts, CONTEXT_TOKENS)
            points += _points(order, found, file)
        return points


def _quants(world: World) -> list[str]:
    return str(world.settings.get("quants", QUANTS)).split(",")


def questions(
    tasks: Tasks, part: int, most: int | None = None, only: int | None = None
) -> list[_Asked]:
    """Every family with each number of examples, and the JSON sentences, of one slice; or every
    family with `only` that many.
    """
    made = []
    for family, shots in tasks.shots.items():
        items = tuple(item for item in tasks.items if item.family == family)[part::SLICES][:most]
        for count in SHOTS if only is None else (only,):
            solved = "".join(f"{shot.prompt} {shot.answer}\n\n" for shot in shots[:count])
            asks = tuple(Ask(item.prompt, tuple(f" {o}" for o in item.options)) for item in items)
            made.append(_Asked(Text(solved, asks), items, count))
    if only is not None:
        return made
    sentences = tasks.json_items[part::SLICES][:most]
    return [*made, _Asked(_json_text(tasks, sentences), sentences, len(tasks.json_shots))]


def _json_text(tasks: Tasks, sentences: Sequence[FormatItem]) -> Text:
    solved = "".join(f"{_json_prompt(s)} {json.dumps(s.expected)}\n\n" for s in tasks.json_shots)
    asks = (Ask(_json_prompt(each), write=JSON_TOKENS, stop="\n") for each in sentences)
    return Text(JSON_TASK + solved, tuple(asks))


def _json_prompt(item: FormatItem) -> str:
    return f"Text: {item.text}\nJSON:"


def _points(order: Sequence[_Asked], found: Answered, file: Prepared) -> list[Point]:
    points = []
    for number, asked in enumerate(order):
        for place, item in enumerate(asked.items):
            condition: dict[str, Scalar] = {
                "file": file.facts.sha256, "quant": file.facts.quant, "item": item.id,
                "shots": asked.shots,
            }  # fmt: skip
            said = found.answers.get((number, place))
            if isinstance(item, Item):
                points.append(_scored(condition, item, said, found))
            else:
                points.append(_written(condition, item, said, found))
    return points


def _scored(
    condition: dict[str, Scalar], item: Item, said: Answer | None, found: Answered
) -> Point:
    """Log-probability, tokens and bytes of each option; what is right, and what the rules say."""
    condition |= {"family": item.family, "ability": item.ability, "answer": item.answer}
    condition |= {"options": len(item.options), "rule": rules.guess(item)}
    if said is None:
        values: dict[str, float | None] = {"log_probability_0": None, "prompt_s": None}
        return Point(condition=condition, values=values, why=found.why_missing())
    values = _times(said, found)
    for place, option in enumerate(item.options):
        values[f"log_probability_{place}"] = said.log_probabilities[place]
        values[f"tokens_{place}"] = said.option_tokens[place]
        values[f"bytes_{place}"] = len(f" {option}".encode())
    return Point(condition=condition, values=values)


def _written(
    condition: dict[str, Scalar], item: FormatItem, said: Answer | None, found: Answered
) -> Point:
    condition |= {"family": "json", "ability": "format"}
    if said is None:
        return Point(condition=condition, values={"valid_json": None}, why=found.why_missing())
    values = _times(said, found) | {"wrote_tokens": said.wrote_tokens}
    return Point(condition=condition, values=values | judge_json(item.expected, said.wrote))


def _times(said: Answer, found: Answered) -> dict[str, float | None]:
    return {
        "prompt_tokens": said.prompt_tokens,
        "prompt_s": said.prompt_s,
        "answer_s": said.answer_s,
        "waited_share": found.waited_share,
    }


def judge_json(expected: Mapping[str, str | int], wrote: str) -> dict[str, float | None]:
    """1 or 0: is the first line JSON, has it exactly the keys, and how many values are right."""
    try:
        found = json.loads(wrote.strip().partition("\n")[0])
    except (ValueError, RecursionError):
        found = None
    keys = isinstance(found, dict) and set(found) == set(expected)
    right = sum(found[key] == value for key, value in expected.items()) if keys else 0
    return {
        "valid_json": float(found is not None),
        "right_keys": float(keys),
        "right_values_share": right / len(expected),
    }
