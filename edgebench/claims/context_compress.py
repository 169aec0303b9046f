"""Compressing the context: less waiting for as many right answers, the compression charged."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.analysis import stats
from edgebench.claims import Claim, Trying, answers, decide, figures, resampling
from edgebench.schema.claim import Margin, Quote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgebench.claims import Evidence
    from edgebench.claims.figures import Compared
    from edgebench.schema.claim import Endpoint, Reason

KIND = "context-compress"
METHODS = {"bm25": "retrieval by BM25", "extract": "an extractive summary",
           "written": "a summary by the model"}  # fmt: skip
DECISIVE = ("bm25", 1 / 4)
CHANCE = 0.25
MARGINS = {
    "time": Margin(support=2.0, refute=1.2),
    "loss": Margin(support=5.0, refute=15.0, upward=False),
}


class Asked(NamedTuple):
    """One question under one condition. Times are None where the machine was busy with others."""

    passage: str
    question: int
    right: bool
    first_token_s: float | None
    shortening_s: float
    reading_s: float
    context_tokens: float
    kept_evidence: bool


Key = tuple[str, float]


def judge(evidence: Evidence) -> tuple[Endpoint, ...]:
    """Time and loss of each method and ratio; retrieval to a quarter decides."""
    known = read(evidence)
    full = known.get(("full", 1.0), [])
    keys = sorted({DECISIVE, *(key for key in known if key[0] in METHODS)}, key=_order)
    found = []
    for key in keys:
        found += [_time(key, full, known.get(key, [])), _loss(key, full, known.get(key, []))]
    return tuple(found)


def decisive(evidence: Evidence) -> tuple[Endpoint, Endpoint]:
    """Time and loss of what decides, for who else asks."""
    known = read(evidence)
    full, short = known.get(("full", 1.0), []), known.get(DECISIVE, [])
    return _time(DECISIVE, full, short), _loss(DECISIVE, full, short)


def read(evidence: Evidence) -> dict[Key, list[Asked]]:
    """By method and ratio; the first answer to a question of a device's passage counts."""
    kept: dict[Key, dict[tuple[str, int], Asked]] = {}
    for experiment, block, point in evidence.points(KIND):
        condition, values = point.condition, point.values
        scores = answers.per_byte(values)
        method, ratio = condition.get("method"), condition.get("ratio")
        if len(scores) < 2 or not isinstance(ratio, int | float):
            continue
        passage = f"{experiment.run_id} {block.index}"
        busy = (values.get("waited_share") or 0.0) > figures.CONTENDED_SHARE
        asked = Asked(
            passage=passage, question=int(condition.get("question") or 0),
            right=max(range(len(scores)), key=scores.__getitem__) == condition.get("answer"),
            first_token_s=None if busy else values.get("first_token_s"),
            shortening_s=values.get("shortening_s") or 0.0,
            reading_s=values.get("reading_s") or 0.0,
            context_tokens=values.get("context_tokens") or 0.0,
            kept_evidence=bool(values.get("kept_evidence")),
        )  # fmt: skip
        kept.setdefault((str(method), float(ratio)), {}).setdefault(
            (passage, asked.question), asked
        )
    return {key: list(found.values()) for key, found in kept.items()}


def _time(key: Key, full: Sequence[Asked], short: Sequence[Asked]) -> Endpoint:
    endpoint = decide.of_compared(
        f"{_name(key)}_time",
        f"Is the first token there 2 times as early with {METHODS[key[0]]} to 1/{1 / key[1]:g}?",
        speedup(full, short),
        MARGINS["time"],
        primary=key == DECISIVE,
    )
    tokens = break_even_tokens(full, short, key[1])
    says = "" if tokens is None else (
        "Never pays at this ratio." if tokens == math.inf
        else f"Pays from about {tokens:.0f} tokens on."
    )  # fmt: skip
    return endpoint.model_copy(update={"says": says})


def speedup(full: Sequence[Asked], short: Sequence[Asked]) -> Compared:
    """Seconds of the full text over those of the short one: passages are the blocks."""
    one, two = _seconds(full), _seconds(short)
    shared = sorted(set(one) & set(two))
    if len(shared) < figures.FEWEST_BLOCKS:
        busy = sum(each.first_token_s is None for each in (*full, *short))
        return figures.Compared(None, len(shared), figures.why_few(len(shared), busy))
    ratio = stats.paired([two[p] for p in shared], [one[p] for p in shared])
    return figures.Compared(ratio, len(shared), ())


def _seconds(found: Sequence[Asked]) -> dict[str, float]:
    """Mean seconds to the first token of each passage, where all its questions were timed."""
    grouped: dict[str, list[float | None]] = {}
    for each in found:
        grouped.setdefault(each.passage, []).append(each.first_token_s)
    return {
        passage: statistics.fmean(known)
        for passage, seconds in grouped.items()
        if len(known := [s for s in seconds if s is not None and s > 0]) == len(seconds)
    }


def break_even_tokens(full: Sequence[Asked], short: Sequence[Asked], ratio: float) -> float | None:
    """The length from which shortening pays: reading costs aN + bN², shortening cN.

    a and b are least squares over the full passages, c the median of the shortening's seconds per
    token. 0: it always pays; infinite: it never does; None: too little was measured.
    """
    points = sorted({(each.context_tokens, each.reading_s) for each in full if each.reading_s})
    lengths = {each.passage: each.context_tokens for each in full}
    costs = [e.shortening_s / lengths[e.passage] for e in short if lengths.get(e.passage)]
    if len({n for n, _ in points}) < 2 or not costs:
        return None
    a, b = _fit(points)
    gain, growth = a * (1 - ratio), b * (1 - ratio**2)
    cost = statistics.median(costs)
    if cost <= gain:
        return 0.0
    return (cost - gain) / growth if growth > 0 else math.inf


def _fit(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Least squares of t = aN + bN² through the origin."""
    s2, s3, s4 = (math.fsum(n**p for n, _ in points) for p in (2, 3, 4))
    t1, t2 = (math.fsum(t * n**p for n, t in points) for p in (1, 2))
    scale = s2 * s4 - s3 * s3
    if scale <= 0:
        return t1 / s2, 0.0
    return (t1 * s4 - t2 * s3) / scale, (t2 * s2 - t1 * s3) / scale


def _loss(key: Key, full: Sequence[Asked], short: Sequence[Asked]) -> Endpoint:
    passages = _by_passage(full, short)
    found = resampling.bootstrap(passages, _points_lost)
    floor = resampling.bootstrap([each[0] for each in passages], _beyond_chance)
    reasons: tuple[Reason, ...] = ()
    if found is not None and (floor is None or floor.low <= 0):
        reasons = ("quality_floor",)
    kept = [each.kept_evidence for each in short]
    says = f"The answering sentence is left in {sum(kept)} of {len(kept)}." if kept else ""
    return resampling.endpoint(
        f"{_name(key)}_loss",
        f"Are at most 5 points of accuracy lost with {METHODS[key[0]]} to 1/{1 / key[1]:g}?",
        found,
        MARGINS["loss"],
        primary=key == DECISIVE,
        unit="points",
        reasons=reasons,
        says=says,
    )


def _by_passage(
    full: Sequence[Asked], short: Sequence[Asked]
) -> list[tuple[tuple[bool, ...], tuple[bool, ...]]]:
    """Right or wrong, question by question, where both were asked: passages are the clusters."""
    one = {(each.passage, each.question): each.right for each in full}
    two = {(each.passage, each.question): each.right for each in short}
    shared = sorted(set(one) & set(two))
    names = sorted({passage for passage, _ in shared})
    return [
        (
            tuple(one[key] for key in shared if key[0] == name),
            tuple(two[key] for key in shared if key[0] == name),
        )
        for name in names
    ]


def _points_lost(passages: Sequence[tuple[tuple[bool, ...], tuple[bool, ...]]]) -> float:
    before, after = (sum(sum(each[side]) for each in passages) for side in (0, 1))
    return 100 * (before - after) / sum(len(each[0]) for each in passages)


def _beyond_chance(passages: Sequence[tuple[bool, ...]]) -> float:
    return sum(map(sum, passages)) / sum(map(len, passages)) - CHANCE


def _name(key: Key) -> str:
    return f"{key[0]}_{round(1 / key[1])}"


def _order(key: Key) -> tuple[int, float]:
    return list(METHODS).index(key[0]), -key[1]


def plot(evidence: Evidence, figure: Any) -> str | None:
    """Accuracy against seconds to the first token; a line per method through its ratios."""
    from edgebench.claims.drawing import COLOURS, names

    known = {key: _mean(found) for key, found in read(evidence).items()}
    series: Mapping[str, list[tuple[float, float, float]]] = {
        method: [
            (*mean, key[1])
            for key, mean in sorted(known.items(), key=lambda each: each[0])
            if key[0] == method and mean
        ]
        for method in ("full", *METHODS)
    }
    if not any(series.values()):
        return "Nothing to draw: no passage was read on a quiet machine."
    axis = figure.subplots()
    for colour, (method, points) in zip(COLOURS, series.items(), strict=False):
        axis.plot([p[0] for p in points], [p[1] for p in points], "o-", color=colour, label=method)
    axis.axhline(CHANCE, color="black", linestyle="--")
    axis.set_xscale("log")
    axis.set_xlabel("seconds to the first token, shortening included")
    axis.set_ylabel("accuracy")
    axis.legend()
    names(axis, [(f"1/{round(1 / ratio)}", seconds, accuracy)
                 for points in series.values() for seconds, accuracy, ratio in points])  # fmt: skip
    return None


def _mean(found: Sequence[Asked]) -> tuple[float, float] | None:
    seconds = list(_seconds(found).values())
    if not seconds:
        return None
    return statistics.fmean(seconds), statistics.fmean(each.right for each in found)


CLAIM = Claim(
    id="context-compress",
    version=1,
    title="Compressing the context cuts cost",
    quotes=(
        Quote(
            document="000_bab7ed8dc006d67b.txt",
            original="通过文件分块后语义检索或长文分段摘要来缩减上下文长度",
            english="chunk-and-retrieve or segment summaries shorten the context",
        ),
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="如果可以现翻书",
            english="if the model can look things up on the spot",
        ),
    ),
    hypothesis="At a quarter of the length the first token comes at least 2 times as early, the "
    "shortening included, and at most 5 points of accuracy are lost.",
    rule="Questions about passages of 2,000 to 6,000 tokens. Time: ratio of seconds to the first "
    "token, full over shortened, passages as pairs; supported from 2.0, refuted below 1.2. Loss: "
    "points of accuracy, 95 % bootstrap interval over passages; supported up to 5, refuted above "
    "15; quality_floor where the full text is answered no better than by guessing. Retrieval by "
    "BM25 to a quarter decides; other ratios, an extractive summary and one that the model "
    "writes are judged apart beside it.",
    needs=(Trying("context-compress", blocks={"smoke": 12, "full": 12}),),
    margins=MARGINS,
    judge=judge,
    plot=plot,
    out_of_reach=(
        "What ChatPDF or Bing do inside.",
        "Retrieval by meaning with an embedding model: BM25 stands for retrieval here.",
        "A cache of the passage's state between questions, which would change what is charged.",
    ),
    others_would_add="Models of 1B and more, whose answers from the full text leave the floor; "
    "GPUs, where reading is cheap and shortening is not.",
)
