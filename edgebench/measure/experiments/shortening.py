"""Ways to shorten a text: retrieve chunks by BM25, or keep leading and telling sentences.

BM25 is written out here because no library that edgebench installs has it: Robertson and Zaragoza,
"The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with k1 = 1.2 and b = 0.75 and the
idf that cannot be negative. The extractive summary scores sentences by the document frequency of
their words (Luhn 1958; Nenkova and Vanderwende's SumBasic without its update, 2005) and keeps the
lead. Standard library only: this runs, timed, in the worker.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from edgebench.measure.tasks import Clock

K1, B = 1.2, 0.75
CHUNK_SENTENCES = 3
# Of an extractive summary's characters, those that the beginning gets.
LEAD_SHARE = 0.25
_WORD = re.compile(r"[a-z0-9]+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
STOP_WORDS = frozenset(
    """a about after all an and are as at be because been but by every for from had has have if in
    into is it its like of on or so some than that the their them they this to up was were what
    when where which who will with""".split()  # noqa: SIM905 - one word a line is no list to read
)


def shorten(parameters: Mapping[str, Any], clock: Clock, emit: Callable[..., None]) -> None:
    """The task: `text`, `questions` and `wanted`, pairs of a method and a ratio.

    Emits "shortened" per pair, and per question where the method looks at it: `method`, `ratio`,
    `question` (None: the same for all), `text` and `ns`.
    """
    text, questions = parameters["text"], parameters["questions"]
    for method, ratio in parameters["wanted"]:
        room = int(len(text) * ratio)
        for question, asked in [(None, "")] if method == "extract" else enumerate(questions):
            begun = clock()
            made = retrieve(text, asked, room) if asked else extract(text, room)
            ns = clock() - begun
            emit("shortened", method=method, ratio=ratio, question=question, text=made, ns=ns)


def retrieve(text: str, question: str, room: int) -> str:
    """The chunks that fit the question best, in their order, of `room` characters at most.

    At least one chunk is given, whatever its length. Building the index is part of it: a text that
    is asked about once has none.
    """
    pieces = chunks(text)
    scores = bm25([words(each) for each in pieces], words(question))
    return " ".join(pieces[place] for place in _fitting(pieces, scores, room))


def extract(text: str, room: int) -> str:
    """The lead, then the sentences whose words are common in the text, in their order."""
    found = sentences(text)
    scores = [0.0] * len(found)
    counts = Counter(word for each in found for word in set(words(each)))
    length = 0
    for place, each in enumerate(found):
        length += len(each) + 1
        own = set(words(each))
        common = math.fsum(counts[word] for word in own) / len(own) if own else 0.0
        lead = length <= room * LEAD_SHARE
        scores[place] = math.inf if lead else common
    return " ".join(found[place] for place in _fitting(found, scores, room))


def bm25(documents: Sequence[Sequence[str]], query: Iterable[str]) -> list[float]:
    """A score per document, 0 for one without any of the query's words."""
    counts = [Counter(each) for each in documents]
    mean = sum(map(len, documents)) / len(documents) or 1.0
    scores = [0.0] * len(documents)
    for word in dict.fromkeys(query):
        having = sum(word in each for each in counts)
        idf = math.log(1 + (len(documents) - having + 0.5) / (having + 0.5))
        for place, each in enumerate(counts):
            norm = K1 * (1 - B + B * len(documents[place]) / mean)
            scores[place] += idf * each[word] * (K1 + 1) / (each[word] + norm)
    return scores


def words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if word not in STOP_WORDS]


def sentences(text: str) -> list[str]:
    return [each for each in _SENTENCE.split(text) if each]


def chunks(text: str) -> list[str]:
    """Neighbouring sentences, CHUNK_SENTENCES at a time."""
    found = sentences(text)
    return [
        " ".join(found[start : start + CHUNK_SENTENCES])
        for start in range(0, len(found), CHUNK_SENTENCES)
    ]


def _fitting(pieces: Sequence[str], scores: Sequence[float], room: int) -> list[int]:
    """Places of the best pieces that fit into `room` together, in order; of a tie the first."""
    taken: list[int] = []
    left = room
    for place in sorted(range(len(pieces)), key=lambda each: (-scores[each], each)):
        if len(pieces[place]) + 1 <= left or not taken:
            taken.append(place)
            left -= len(pieces[place]) + 1
    return sorted(taken)
