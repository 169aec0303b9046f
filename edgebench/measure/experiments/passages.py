"""Long passages of our own making, with questions that only the passage answers.

A passage is the yearbook of an invented railway: a section per station, each with the same kinds of
facts in other words and another order. Five facts are asked for; the wrong options are what
other stations of the same passage have, so that finding some answer is not finding the right one.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PASSAGES, QUESTIONS = 12, 5
# Words per passage: about 2,000 to 6,000 tokens of English.
_FEWEST_WORDS, _MOST_WORDS = 1500, 4400

_FRONT = ("Alder", "Birch", "Cedar", "Elm", "Fern", "Gorse", "Hazel", "Ivy", "Juniper", "Larch",
          "Maple", "Oak", "Pine", "Reed", "Rowan", "Sedge", "Thorn", "Willow", "Yew",
          "Clover")  # fmt: skip
_BACK = ("bridge", "brook", "field", "ford", "gate", "hill", "mill", "side", "stone", "well")
_VALUES: Mapping[str, tuple[str, ...]] = {
    "door": ("red", "blue", "green", "yellow", "black", "white", "orange", "grey"),
    "roof": ("slate", "copper", "thatch", "tin", "glass", "shingle", "tile", "turf"),
    "animal": ("a goat", "a heron", "a tortoise", "a parrot", "a donkey", "a badger", "an owl",
               "a goose"),
    "goods": ("barley", "salt", "timber", "cheese", "coal", "wool", "apples", "bricks"),
    "tool": ("a brass bell", "a tin whistle", "a long flag", "a copper horn", "a paper lantern",
             "a wooden rattle", "a steel triangle", "a leather drum"),
}  # fmt: skip
_QUESTIONS: Mapping[str, str] = {
    "door": "What colour is the door of {name} station?",
    "roof": "What is the roof of {name} station made of?",
    "animal": "Which animal lives at {name} station?",
    "goods": "Which goods are loaded at {name} station?",
    "tool": "With what are trains announced at {name} station?",
}
_FACTS: Mapping[str, tuple[str, ...]] = {
    "door": ("The door of {name} station is {value}.", "{name} station has a {value} door."),
    "roof": ("The roof of {name} station is made of {value}.",
             "Rain runs off the {value} roof of {name} station."),
    "animal": ("{value} lives at {name} station.", "Children come to {name} station because "
               "{value} lives there."),
    "goods": ("At {name} station mostly {value} is loaded.",
              "The sidings of {name} station serve for loading {value}."),
    "tool": ("Trains are announced at {name} station with {value}.",
             "The guard of {name} station announces trains with {value}."),
}  # fmt: skip
_FILLERS = (
    "The platform was relaid in {year}, when the line was moved a little to the east.",
    "In a dry summer the gardens beside the track are watered from the old tank.",
    "The waiting room has {count} benches and a stove that is lit from October on.",
    "The committee met {count} times in that year and wrote long minutes about the timetable.",
    "From the footbridge one sees the valley as far as the reservoir.",
    "A storm in {year} took down the signal wires, and for a week the trains ran by sight.",
    "The clock is wound on Sundays and loses about {count} minutes until the next one.",
    "Visitors asked above all about the winter service, which nobody could promise.",
    "The embankment needs {count} cartloads of ballast every spring.",
    "Letters of thanks came from schools, and two complaints about the smoke.",
    "The fares have not been changed since {year}, although paper has become dearer.",
    "Half a mile behind the points the line climbs so steeply that a second engine helps.",
)


class Question(NamedTuple):
    """`answer` is the place of the right one among `options`; `evidence` the sentence with it."""

    text: str
    options: tuple[str, ...]
    answer: int
    evidence: str


class Passage(NamedTuple):
    text: str
    questions: tuple[Question, ...]


def passage(number: int, words: int | None = None) -> Passage:
    """The same on every machine. `words` shortens it, for tests; at least four sections."""
    rng = random.Random(f"passages.v1 {number}")  # noqa: S311 - text, no secret
    place = number % PASSAGES
    wanted = words or _FEWEST_WORDS + (_MOST_WORDS - _FEWEST_WORDS) * place // (PASSAGES - 1)
    names = [front + back for front in _FRONT for back in _BACK]
    rng.shuffle(names)
    sections: list[str] = []
    stations: list[tuple[str, dict[str, str], dict[str, str]]] = []
    while sum(len(each.split()) for each in sections) < wanted or len(stations) < QUESTIONS:
        name = names[len(stations)]
        values = {kind: rng.choice(options) for kind, options in _VALUES.items()}
        told = {kind: _told(kind, name, value, rng) for kind, value in values.items()}
        stations.append((name, values, told))
        sections.append(_section(len(sections) + 1, name, told, rng))
    return Passage("\n\n".join(sections), tuple(_questions(stations, rng)))


def _told(kind: str, name: str, value: str, rng: random.Random) -> str:
    said = rng.choice(_FACTS[kind]).format(name=name, value=value)
    return said[0].upper() + said[1:]


def _section(number: int, name: str, told: Mapping[str, str], rng: random.Random) -> str:
    sentences = [*told.values()]
    sentences += (
        filler.format(year=rng.randint(1871, 1968), count=rng.randint(3, 19))
        for filler in rng.sample(_FILLERS, 7)
    )
    rng.shuffle(sentences)
    return f"{number}. {name}\n{' '.join(sentences)}"


def _questions(
    stations: Sequence[tuple[str, Mapping[str, str], Mapping[str, str]]], rng: random.Random
) -> list[Question]:
    """One per kind of fact, about stations all over the passage."""
    asked = []
    step = len(stations) / QUESTIONS
    for place, kind in enumerate(_VALUES):
        name, values, told = stations[int(place * step + rng.random() * step)]
        wrong = rng.sample([each for each in _VALUES[kind] if each != values[kind]], 3)
        answer = rng.randrange(4)
        options = (*wrong[:answer], values[kind], *wrong[answer:])
        text = _QUESTIONS[kind].format(name=name)
        asked.append(Question(text, options, answer, told[kind]))
    return asked
