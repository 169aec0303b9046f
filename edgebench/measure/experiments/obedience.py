"""Whether a rule in the system field is still kept, by how much text has come since.

Four rules about the form of an answer, each checked by a line of code; the questions are easy, and
the filler is the bundled text. The chat format is ChatML, which the models' template has. Each
question is also asked without the rule: what keeps it by chance obeys nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.measure.experiments import asking
from edgebench.schema.experiment import Point

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence

    from edgebench.measure.experiments import World
    from edgebench.models.prepared import Prepared
    from edgebench.schema.experiment import Scalar

TASK = "edgebench.measure.experiments.obedience_task:measure"
DISTANCES = {"smoke": (0, 512, 1024), "full": (0, 512, 1024, 2048, 4096)}
QUESTIONS_EACH, WRITE = 2, 24
FILLER_START = 5_000
NAMES = ("obeyed", "answer_s")
PLAIN = "You are a helpful assistant."
RULES: Mapping[str, str] = {
    "capitals": "Write every answer in capital letters only, LIKE THIS.",
    "prefix": "Begin every answer with the word ANSWER and a colon, like this: ANSWER: blue.",
    "brackets": "Write every answer in double square brackets, like this: [[blue]].",
    "one_word": "Answer every question with exactly one word and nothing else.",
}
QUESTIONS = (
    "What colour is the sky on a clear day?",
    "What is the capital of France?",
    "Which animal barks?",
    "What do bees make?",
    "What is frozen water called?",
    "How many legs does a spider have?",
    "Which season comes after winter?",
    "What do you use to cut paper?",
    "What is the opposite of hot?",
    "Which planet do we live on?",
)


class _Asked(NamedTuple):
    rule: str
    told: bool
    distances: tuple[int, ...]
    start: int
    questions: tuple[str, ...]

    def to_parameters(self) -> dict[str, Any]:
        system = f"{PLAIN} {RULES[self.rule]}" if self.told else PLAIN
        return {"system": system, "distances": self.distances, "start": self.start,
                "questions": self.questions}  # fmt: skip


class Obedience:
    """Settings: `model`, `quant` (Q8_0), `distances` in tokens."""

    kind = "obedience"
    version = 1

    def why_not(self, world: World) -> str | None:
        return world.probe("llama.cpp").why_not

    def files(self, world: World) -> Sequence[Prepared]:
        return (_file(world),)

    def block_s(self, world: World) -> float:
        distances = _distances(world)
        answers = QUESTIONS_EACH * (len(distances) + 1)
        return 3.0 + len(RULES) * (max(distances) / 400 + 0.3 * answers)

    def block(self, world: World, index: int, rng: random.Random) -> Sequence[Point]:  # noqa: ARG002
        """Raises NotUsableHere without the engine."""
        distances = _distances(world)
        asked = [_drawn(rule, told, distances, rng) for rule in RULES for told in (True, False)]
        rng.shuffle(asked)
        room = max(distances) + 256
        job = asking.task(
            world, TASK, _file(world).path, room, filler=asking.text(), write=WRITE,
            asked=[each.to_parameters() for each in asked],
        )  # fmt: skip
        found = asking.measured(world, job)
        said = {
            (event["index"], event["distance"], event["question"]): event
            for event in found.all("answered")
        }
        return [
            _point(each, distance, said.get((number, distance, question)), asking.why(found))
            for number, each in enumerate(asked)
            for distance in each.distances
            for question in each.questions
        ]


def _drawn(rule: str, told: bool, distances: tuple[int, ...], rng: random.Random) -> _Asked:
    questions = tuple(rng.sample(QUESTIONS, QUESTIONS_EACH))
    return _Asked(rule, told, distances if told else (0,), rng.randrange(FILLER_START), questions)


def _point(asked: _Asked, distance: int, said: Mapping[str, Any] | None, why: str) -> Point:
    condition: dict[str, Scalar] = {
        "rule": asked.rule,
        "told": asked.told,
        "distance_tokens": distance,
    }
    if said is None:
        return asking.missing(condition, NAMES, why)
    kept = float(obeys(asked.rule, said["wrote"]))
    return Point(condition=condition, values={"obeyed": kept, "answer_s": said["answer_s"]})


def obeys(rule: str, wrote: str) -> bool:
    """Whether an answer has the form that the rule asks for; an empty one has none."""
    answer = wrote.strip()
    return bool(answer) and _CHECKS[rule](answer)


def _is_one_word(answer: str) -> bool:
    return len(answer.split()) == 1


_CHECKS: Mapping[str, Callable[[str], bool]] = {
    "capitals": str.isupper,
    "prefix": lambda answer: answer.startswith("ANSWER:"),
    "brackets": lambda answer: answer.startswith("[[") and "]]" in answer,
    "one_word": _is_one_word,
}


def _distances(world: World) -> tuple[int, ...]:
    settings: Any = world.settings
    return tuple(settings.get("distances", DISTANCES[world.level]))


def _file(world: World) -> Prepared:
    return world.chosen("Q8_0")
