"""Write edgebench/data/tasks.v1.json: the same file on every machine (tests compare).

Every sentence here was written for edgebench; nothing is taken from a benchmark.
Example: python -m scripts.tasks
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

from edgebench.files import to_json
from edgebench.schema.tasks import FormatItem, Item, Shot, Tasks
from scripts.tasks_text import FACTS, INTENTS, READINGS, SHOTS, STATES, TRANSFERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.schema.tasks import Ability, Family

PATH = Path(__file__).parent.parent / "edgebench" / "data" / "tasks.v1.json"
PER_FAMILY, JSON_ITEMS = 44, 50


def make() -> Tasks:
    """All items. Answers stand equally often in each place."""
    return Tasks(
        version=1,
        shots={
            family: tuple(Shot(prompt=p, answer=a) for p, a in SHOTS[family]) for family in SHOTS
        },
        items=(*_intents(), *_extractions(), *_yes_no(), *_arithmetic(), *_facts()),
        json_shots=tuple(_format(f"json-{90 + i}", *row) for i, row in enumerate(READINGS[:2])),
        json_items=tuple(_format_items()),
    )


def _items(
    family: Family, ability: Ability, rows: Sequence[tuple[str, str, Sequence[str]]]
) -> list[Item]:
    """From prompt, right answer and wrong ones."""
    rng = random.Random(f"tasks.v1 {family}")  # noqa: S311 - an order, no secret
    made = []
    for number, (prompt, right, wrong) in enumerate(rows):
        others = list(wrong)
        rng.shuffle(others)
        answer = number % (len(others) + 1)
        options = (*others[:answer], right, *others[answer:])
        made.append(
            Item(
                id=f"{family}-{number + 1:02}", family=family, ability=ability, prompt=prompt,
                options=options, answer=answer,
            )
        )  # fmt: skip
    return made


def _intents() -> list[Item]:
    """In turns, so that no two neighbours have the same answer."""
    rng = random.Random("tasks.v1 wrong intents")  # noqa: S311 - an order, no secret
    rows = []
    for place in range(max(map(len, INTENTS.values()))):
        for intent, said in INTENTS.items():
            if place < len(said):
                wrong = rng.sample([other for other in INTENTS if other != intent], 3)
                rows.append((f"Request: {said[place]}\nIntent:", intent, wrong))
    return _items("intent", "language", rows[:PER_FAMILY])


def _extractions() -> list[Item]:
    """Each text names two places, two days and two things; the question asks for one of them."""
    rng = random.Random("tasks.v1 extraction")  # noqa: S311 - an order, no secret
    rows = []
    for number in range(PER_FAMILY):
        things, places, days = (
            rng.sample(TRANSFERS[name], 4) for name in ("thing", "place", "day")
        )
        text, questions = TRANSFERS["text"][number % len(TRANSFERS["text"])], TRANSFERS["question"]
        filled = text.format(*things[:2], *places[:2], *days[:2])
        question, kind, which = questions[number % len(questions)]
        pool = {"thing": things, "place": places, "day": days}[kind]
        right = pool[which]
        wrong = [each for each in pool if each != right]
        prompt = f"Text: {filled}\nQuestion: {question.format(things[0], things[1])}\nAnswer:"
        rows.append((prompt, right, wrong))
    return _items("extraction", "language", rows)


def _yes_no() -> list[Item]:
    rows = []
    for number in range(PER_FAMILY):
        text, question, holds = STATES[number]
        answer = "yes" if holds else "no"
        prompt = f"Text: {text}\nQuestion: {question}\nAnswer:"
        rows.append((prompt, answer, ["no" if holds else "yes"]))
    return _items("yes_no", "language", rows)


def _arithmetic() -> list[Item]:
    rng = random.Random("tasks.v1 arithmetic")  # noqa: S311 - numbers, no secret
    rows = []
    for number in range(PER_FAMILY):
        one, two = rng.randint(11, 79), rng.randint(3, 19)
        words, result = (
            (f"What is {one} plus {two}?", one + two),
            (f"What is {one} minus {two}?", one - two),
            (f"What is {two} times {one % 8 + 2}?", two * (one % 8 + 2)),
            (f"A shelf holds {one} jars. {two} more are put on it. How many does it hold?",
             one + two),
        )[number % 4]  # fmt: skip
        wrong = [result + each for each in rng.choice(((1, -2, 10), (-1, 2, -10), (10, -10, 1)))]
        rows.append((f"Question: {words}\nAnswer:", str(result), [str(each) for each in wrong]))
    return _items("arithmetic", "reasoning", rows)


def _facts() -> list[Item]:
    rows = [(f"Question: {question}\nAnswer:", right, wrong) for question, right, *wrong in FACTS]
    return _items("fact", "knowledge", rows[:PER_FAMILY])


def _format_items() -> list[FormatItem]:
    rng = random.Random("tasks.v1 json")  # noqa: S311 - numbers, no secret
    kinds, rooms = ("temperature", "humidity", "light level", "noise level", "water level"), (
        "kitchen", "cellar", "greenhouse", "garage", "workshop", "attic", "stable", "boiler room",
    )  # fmt: skip
    texts = (
        "The {kind} sensor in the {room} reads {value}.",
        "In the {room}, the {kind} is now {value}.",
        "A value of {value} came from the {kind} sensor of the {room}.",
    )
    pairs = [(kind, room) for kind in kinds for room in rooms] * 2
    made = []
    for number, (kind, room) in enumerate(pairs[:JSON_ITEMS]):
        value = rng.randint(10, 99)
        text = texts[number % len(texts)].format(kind=kind, room=room, value=value)
        made.append(_format(f"json-{number + 1:02}", text, kind, room, value))
    return made


def _format(name: str, text: str, kind: str, room: str, value: int) -> FormatItem:
    return FormatItem(id=name, text=text, expected={"sensor": kind, "room": room, "value": value})


if __name__ == "__main__":
    PATH.write_text(to_json(make()), encoding="utf-8")
    print(PATH)
