"""Questions about long passages: the whole passage read, or what is left after shortening it.

A block is a passage: its questions answered from the full text, from chunks retrieved by BM25,
from an extractive summary, and from a summary that the model itself writes, at each ratio. What
shortening takes is charged. A reading that serves all five questions is timed once and counts
for each: `first_token_s` is what somebody waits who asks one question about a new passage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench.measure.experiments import answering, asking, passages
from edgebench.measure.experiments.answering import Ask, Text
from edgebench.measure.job import Job
from edgebench.schema.experiment import Point

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from edgebench.measure.experiments import World
    from edgebench.measure.experiments.answering import Answered
    from edgebench.measure.experiments.passages import Passage, Question
    from edgebench.models.prepared import Prepared
    from edgebench.schema.experiment import Scalar

TASK = "edgebench.measure.experiments.shortening:shorten"
NS = 1e-9
CONTEXT_TOKENS = 8192
RATIOS = {"smoke": (1 / 4, 1 / 16), "full": (1 / 2, 1 / 4, 1 / 8, 1 / 16)}
# The model writes slowly: at smoke level only its shortest summary is tried.
WRITTEN_RATIOS = {"smoke": (1 / 16,), "full": (1 / 4, 1 / 8, 1 / 16)}
SEGMENT_CHARACTERS = 2400
CHARACTERS_PER_TOKEN = 4.5
_ASKED = "Answer the question from the yearbook.\n\nYearbook:\n"
_SUMMARIZE = "\n\nSummary of the facts above, in short sentences:\n"
_BLOCK_S = {"smoke": 35.0, "full": 90.0}


class Short(NamedTuple):
    """A text instead of the passage; `question` None: it serves all questions.

    `ratio` is that of characters asked for, 1 for the full text; `made_s` what making it took.
    """

    method: str
    ratio: float
    question: int | None
    text: str
    made_s: float


class ContextCompress:
    """Settings: `model`, `quant` (Q4_0), `words` (shorter passages, for tests)."""

    kind = "context-compress"
    version = 1

    def why_not(self, world: World) -> str | None:
        return world.probe("llama.cpp").why_not

    def files(self, world: World) -> Sequence[Prepared]:
        return [world.chosen("Q4_0")]

    def block_s(self, world: World) -> float:
        return _BLOCK_S[world.level]

    def block(self, world: World, index: int, rng: random.Random) -> Sequence[Point]:
        """Passage `index` modulo how many there are. Raises NotUsableHere without the engine."""
        (file,) = self.files(world)
        made = passages.passage(index % passages.PASSAGES, world.settings.get("words"))
        shorts = [Short("full", 1.0, None, made.text, 0.0), *_shortened(world, made)]
        written, why = _written(world, file, made)
        shorts += written
        rng.shuffle(shorts)
        found = answering.answer(world, file.path, _texts(shorts, made), CONTEXT_TOKENS)
        points = _points(shorts, made, found, index % passages.PASSAGES)
        return points + why


def _shortened(world: World, made: Passage) -> list[Short]:
    wanted = [(method, ratio) for method in ("bm25", "extract") for ratio in RATIOS[world.level]]
    parameters = {
        "text": made.text, "questions": [each.text for each in made.questions], "wanted": wanted,
    }  # fmt: skip
    found = asking.measured(world, Job("task", TASK, parameters=parameters))
    return [
        Short(each["method"], each["ratio"], each["question"], each["text"], each["ns"] * NS)
        for each in found.all("shortened")
    ]


def _written(world: World, file: Prepared, made: Passage) -> tuple[list[Short], list[Point]]:
    """Summaries by the model, segment by segment; a point with the reason where it failed."""
    parts = segments(made.text)
    shorts, missing = [], []
    for ratio in WRITTEN_RATIOS[world.level]:
        asks = [
            Ask(_SUMMARIZE, write=max(8, round(len(part) * ratio / CHARACTERS_PER_TOKEN)))
            for part in parts
        ]
        texts = [Text(part, (ask,)) for part, ask in zip(parts, asks, strict=True)]
        found = answering.answer(world, file.path, texts, CONTEXT_TOKENS)
        said = [
            found.answers[place, 0] for place in range(len(parts)) if (place, 0) in found.answers
        ]
        if len(said) < len(parts):
            condition: dict[str, Scalar] = {"method": "written", "ratio": ratio}
            values: dict[str, float | None] = {"first_token_s": None}
            missing.append(Point(condition=condition, values=values, why=found.why_missing()))
            continue
        made_s = sum(each.prefix_s + each.prompt_s + each.answer_s for each in said)
        text = "\n".join(each.wrote.strip() for each in said)
        shorts.append(Short("written", ratio, None, text, made_s))
    return shorts, missing


def segments(text: str) -> list[str]:
    """Whole sections of the passage, as many at a time as fit into SEGMENT_CHARACTERS."""
    found: list[str] = []
    for section in text.split("\n\n"):
        if found and len(found[-1]) + len(section) + 2 <= SEGMENT_CHARACTERS:
            found[-1] += f"\n\n{section}"
        else:
            found.append(section)
    return found


def _texts(shorts: Sequence[Short], made: Passage) -> list[Text]:
    texts = []
    for short in shorts:
        asked = [q for place, q in enumerate(made.questions) if short.question in (None, place)]
        asks = tuple(Ask(_prompt(each), tuple(f" {o}" for o in each.options)) for each in asked)
        texts.append(Text(_ASKED + short.text, asks))
    return texts


def _prompt(question: Question) -> str:
    return f"\n\nQuestion: {question.text}\nAnswer:"


def _points(shorts: Sequence[Short], made: Passage, found: Answered, number: int) -> list[Point]:
    points = []
    for text, short in enumerate(shorts):
        places = range(len(made.questions)) if short.question is None else (short.question,)
        for ask, place in enumerate(places):
            condition: dict[str, Scalar] = {
                "method": short.method, "ratio": short.ratio, "passage": number, "question": place,
                "answer": made.questions[place].answer,
            }  # fmt: skip
            points.append(_point(condition, short, made.questions[place], found, (text, ask)))
    return points


def _point(
    condition: dict[str, Scalar],
    short: Short,
    question: Question,
    found: Answered,
    key: tuple[int, int],
) -> Point:
    """`kept_evidence` is 1 where the sentence that holds the answer is still there."""
    said = found.answers.get(key)
    if said is None:
        values: dict[str, float | None] = {"first_token_s": None}
        return Point(condition=condition, values=values, why=found.why_missing())
    values = {
        "context_tokens": said.prefix_tokens,
        "shortening_s": short.made_s,
        "reading_s": said.prefix_s + said.prompt_s,
        "first_token_s": short.made_s + said.prefix_s + said.prompt_s,
        "kept_evidence": float(question.evidence in short.text),
        "waited_share": found.waited_share,
    }
    for place, option in enumerate(question.options):
        values[f"log_probability_{place}"] = said.log_probabilities[place]
        values[f"bytes_{place}"] = len(f" {option}".encode())
    return Point(condition=condition, values=values)
