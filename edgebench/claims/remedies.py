"""The three remedies that the documents name against the cost of inference, each by itself: a
smaller model, a shorter context, an optimised model. Pure.

On one machine a cost per answered item is its time: price, life and watts are the same on both
sides. A remedy works only where its answers stay good enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.analysis import metrics
from edgebench.claims import (
    context_compress,
    decide,
    figures,
    relative_quality,
    resampling,
)
from edgebench.claims.small_good_enough import LARGER, whole
from edgebench.schema.claim import Margin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgebench.claims import Evidence
    from edgebench.claims.answers import Answer, Model
    from edgebench.claims.figures import Figures
    from edgebench.schema.claim import Endpoint, Reason

BASE, OPTIMISED = "F16", "Q4_0"
PROMPT, OUTPUT = 256, 64
ENOUGH = 0.75
MARGIN = Margin(support=2.0, refute=1.2)


def endpoints(evidence: Evidence) -> Iterator[Endpoint]:
    """Each remedy alone; they decide nothing in local-cost."""
    yield _optimising(evidence)
    yield _smaller(evidence)
    yield _shorter(evidence)


def _optimising(evidence: Evidence) -> Endpoint:
    """A request of 256 tokens in and 64 out, put together from its two phases."""
    base, head = (_request_speed(evidence, quant) for quant in (BASE, OPTIMISED))
    made = decide.of_compared(
        "remedy_optimising",
        f"Does {OPTIMISED} instead of {BASE} alone halve the cost of a request ({PROMPT} in, "
        f"{OUTPUT} out)?",
        figures.compare(base, head),
        MARGIN,
        primary=False,
    )
    known = {each.file.quant: each for each in whole(evidence)}
    return _gated(made, _good_enough(known.get(OPTIMISED), known.get(BASE)))


def _request_speed(evidence: Evidence, quant: str) -> Figures:
    """Requests per second, of rounds in which both phases were launched."""
    phases = (("pp256", metrics.prefill_tok_s), ("tg64", metrics.decode_tok_s))
    prefill, decode = (
        figures.figures(
            figures.rows(evidence, quant=quant, workload=name, where=figures.plain), metric
        )
        for name, metric in phases
    )
    speeds = {
        block: 1 / (PROMPT / prefill.by_block[block] + OUTPUT / decode.by_block[block])
        for block in prefill.by_block.keys() & decode.by_block.keys()
    }
    return figures.Figures(speeds, prefill.contended + decode.contended)


def _smaller(evidence: Evidence) -> Endpoint:
    """Seconds per item of the largest model that answered over those of the smallest."""
    known = whole(evidence)
    small, large = (known[0], known[-1]) if known else (None, None)
    alone = bool(small and large and large.parameters < LARGER * small.parameters)
    pairs = _timed(small, large) if small and large and not alone else []
    found = resampling.bootstrap(pairs, _times_as_long, resampling.FEW_DRAWS)
    made = resampling.endpoint(
        "remedy_smaller_model",
        "Does a smaller model alone halve the cost of an answered item?",
        found,
        MARGIN,
        primary=False,
        reasons=("model_missing",) if alone else (),
    )
    return _gated(made, _good_enough(small, large))


def _timed(small: Model, large: Model) -> list[tuple[float, float]]:
    return [
        (one.seconds, two.seconds)
        for item, one in sorted(small.answers.items())
        if (two := large.answers.get(item)) and one.seconds and two.seconds
    ]


def _times_as_long(pairs: Sequence[tuple[float, float]]) -> float:
    return sum(two for _, two in pairs) / sum(one for one, _ in pairs)


def _shorter(evidence: Evidence) -> Endpoint:
    """What context-compress decides by: retrieval to a quarter, its own time charged."""
    time, loss = context_compress.decisive(evidence)
    made = time.model_copy(
        update={
            "name": "remedy_shorter_context", "primary": False, "margin": MARGIN,
            "question": "Does retrieval to a quarter of the context alone halve the time to an "
            "answer?",
        }
    )  # fmt: skip
    return _gated(made, () if loss.verdict == "supported" else loss.reasons or ("quality_floor",))


def _good_enough(head: Model | None, base: Model | None) -> tuple[Reason, ...]:
    """Nothing where the whole interval of relative quality is at least 0.75, in every item."""
    if head is None or base is None:
        return ("not_measured",)
    found, reasons = relative_quality.relative(head, base, _any)
    return () if found and not reasons and found.low >= ENOUGH else reasons or ("quality_floor",)


def _any(_answer: Answer) -> bool:
    return True


def _gated(made: Endpoint, bad: tuple[Reason, ...]) -> Endpoint:
    """A saving counts only where answers stay good; what does not save is refuted either way."""
    if made.verdict != "supported" or not bad:
        return made
    says = f"Cheap enough, and not shown to be good enough. {made.says}".strip()
    fields = {"verdict": "inconclusive", "reasons": bad, "p": None, "says": says}
    return made.model_copy(update=fields)
