"""Optimising and pruning a model pays: a smaller format, or fewer layers, is faster and still good.

Quality is beside F16 made from the file at hand. For a model that was published quantized, as the
small one here, that is not the quality of the original, and the format it came in loses nothing by
construction: it is shown, and decides nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from edgebench.analysis import stats
from edgebench.claims import Cells, Claim, Trying, answers, decide, figures, quant_accuracy
from edgebench.claims.quant_speed import BASE, FORMATS, ORIGIN, slower_than, speeds, speedup
from edgebench.schema.claim import Margin, Quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from edgebench.analysis.stats import LogRatio
    from edgebench.claims import Evidence
    from edgebench.claims.figures import Compared
    from edgebench.schema.claim import Endpoint, Word

QUALITY, LAYERS = "perplexity", "layers-dropped"
DROPPED = tuple((count, where) for count in (2, 4, 8) for where in ("middle", "end"))
USABLE_TOK_S = 10.0
# Answers to the options after three examples, and nothing else.
ALONE = {"only_shots": answers.SHOTS, "without_layers": 0}
MARGINS = {
    "format_speed": Margin(support=1.5, refute=1.5),
    "format_perplexity": Margin(support=1.05, refute=1.05, upward=False),
    "pruned_speed": Margin(support=1.2, refute=1.2),
    "pruned_perplexity": Margin(support=1.10, refute=1.10, upward=False),
    "prefill": Margin(support=1.2, refute=1.2, upward=False),
    "needed": Margin(support=1.0, refute=1.0, upward=False),
    "accuracy_lost": quant_accuracy.MARGIN,
}


def judge(evidence: Evidence) -> tuple[Endpoint, ...]:
    """Each format and each pruning: fast enough and good enough; then what stands beside it."""
    return (
        *(e for quant in FORMATS for e in _format(evidence, quant)),
        *(e for count, where in DROPPED for e in _pruned(evidence, count, where)),
        *_prefill(evidence),
        *quant_accuracy.endpoints(evidence, BASE, FORMATS),
        _needed(evidence),
    )


def perplexity(evidence: Evidence, kind: str, fits: Callable[[Any], bool]) -> LogRatio | None:
    """Perplexity over the base's; the unit is a chunk of text, since nothing else is random."""
    pairs = [
        (point.values["base_nll_nats"], point.values["nll_nats"])
        for _, _, point in evidence.points(kind)
        if point.condition.get("chunk") is not None and fits(point.condition)
    ]
    known = [(base, nll) for base, nll in pairs if base is not None and nll is not None]
    return stats.paired(*([math.exp(pair[i]) for pair in known] for i in (0, 1)))


def pruned_speedup(evidence: Evidence, count: int, where: str) -> Compared:
    """The speed of decode without those layers over that with all."""
    whole, pruned = (
        figures.of_points(evidence, LAYERS, "decode_s_per_token", where=_without(*each, speed=True))
        for each in ((0, None), (count, where))
    )
    return figures.compare(pruned, whole)


def _format(evidence: Evidence, quant: str) -> Iterator[Endpoint]:
    name, primary = quant.lower(), quant != ORIGIN
    speed = decide.of_compared(
        f"decode_{name}",
        f"Is decode of {quant} at least 1.5 times as fast as of {BASE}?",
        speedup(evidence, quant),
        MARGINS["format_speed"],
        primary=False,
    )
    found = perplexity(evidence, QUALITY, lambda c: c["format"] == quant)
    quality = _quality(f"perplexity_{name}", quant, found, MARGINS["format_perplexity"])
    says = [] if primary else [f"Decides nothing: {BASE} was made of it, so it loses nothing."]
    says += [f"Slower than {larger}, which is larger." for larger in slower_than(evidence, quant)]
    yield _both(f"pays_{name}", f"Does {quant} pay: faster, and as good?", speed, quality,
                primary=primary, says=" ".join(says))  # fmt: skip
    yield speed
    yield quality


def _pruned(evidence: Evidence, count: int, where: str) -> Iterator[Endpoint]:
    name = f"{count}_{where}"
    place = "in the middle" if where == "middle" else "at the end"
    speed = decide.of_compared(
        f"decode_without_{name}",
        f"Is decode without {count} layers {place} at least 1.2 times as fast?",
        pruned_speedup(evidence, count, where),
        MARGINS["pruned_speed"],
        primary=False,
    )
    found = perplexity(evidence, LAYERS, _without(count, where, speed=False))
    quality = _quality(
        f"perplexity_without_{name}", f"{count} layers less {place}", found,
        MARGINS["pruned_perplexity"],
    )  # fmt: skip
    question = f"Does leaving out {count} layers {place} pay: faster, and nearly as good?"
    yield _both(f"pays_without_{name}", question, speed, quality, primary=True, says="")
    yield speed
    yield quality


def _quality(name: str, what: str, found: LogRatio | None, margin: Margin) -> Endpoint:
    return decide.of_ratio(
        name,
        f"The perplexity of {what} over the base's, on the bundled text.",
        found,
        margin,
        blocks=0 if found is None else round(found.degrees) + 1,
        device=None,
        primary=False,
    )


def _both(
    name: str, question: str, speed: Endpoint, quality: Endpoint, *, primary: bool, says: str
) -> Endpoint:
    """The speed-up, supported where both are, refuted where one is: p is the one that decides."""
    said = _word(speed, quality)
    deciding = [e for e in (speed, quality) if e.verdict == said]
    known = [e.p for e in deciding if e.p is not None]
    p = (max(known) if said == "supported" else min(known)) if known else None
    open_reasons = [r for e in (speed, quality) if e.verdict == "inconclusive" for r in e.reasons]
    if said == "refuted":
        lost = " and ".join("speed" if e is speed else "quality" for e in deciding)
        says = f"Lost by {lost}. {says}".strip()
    return speed.model_copy(
        update={
            "name": name, "question": question, "primary": primary, "verdict": said, "says": says,
            "p": None if said == "inconclusive" else p,
            "reasons": tuple(dict.fromkeys(open_reasons)) if said == "inconclusive" else (),
        }
    )  # fmt: skip


def _word(speed: Endpoint, quality: Endpoint) -> Word:
    words = {speed.verdict, quality.verdict}
    if words == {"supported"}:
        return "supported"
    return "refuted" if "refuted" in words else "inconclusive"


def _prefill(evidence: Evidence) -> Iterator[Endpoint]:
    for quant in FORMATS:
        yield decide.of_compared(
            f"prefill_{quant.lower()}",
            f"Does prefill of {quant} gain little (at most 1.2 times) over {BASE}?",
            speedup(evidence, quant, "prefill"),
            MARGINS["prefill"],
            primary=False,
        )


def _needed(evidence: Evidence) -> Endpoint:
    """Whether the model as it is fails what an optimised one passes."""
    base = figures.level(speeds(evidence, BASE, "decode"), USABLE_TOK_S)
    passes = [
        quant for quant in FORMATS
        if (found := figures.level(speeds(evidence, quant, "decode"), USABLE_TOK_S).found)
        and found.bounds()[0] >= 1
    ]  # fmt: skip
    slow = base.found is not None and base.found.bounds()[1] <= 1
    made = decide.of_compared(
        "needed",
        f"Is optimising needed: does {BASE} decode slower than {USABLE_TOK_S:g} tokens per second, "
        "and some format not?",
        base,
        MARGINS["needed"],
        primary=False,
        unit=f"of {USABLE_TOK_S:g} tok/s",
        reasons=("quality_floor",) if slow and not passes else (),
    )
    says = f"Fast enough: {', '.join(passes)}." if passes else ""
    return made.model_copy(update={"says": says})


def _without(count: int, where: str | None, *, speed: bool) -> Callable[[Mapping[str, Any]], bool]:
    def fits(condition: Mapping[str, Any]) -> bool:
        same = condition["layers_dropped"] == count and condition["where"] == where
        return same and (condition["chunk"] is None) == speed

    return fits


def plot(evidence: Evidence, figure: Any) -> str | None:
    """Speed-up against perplexity, formats and prunings; what is up and left pays."""
    from edgebench.claims.drawing import COLOURS, names

    axis = figure.subplots()
    formats = [
        (quant, speedup(evidence, quant).found,
         perplexity(evidence, QUALITY, lambda c, q=quant: c["format"] == q))  # type: ignore[misc]
        for quant in FORMATS
    ]  # fmt: skip
    pruned = [
        (f"-{count} {where}", pruned_speedup(evidence, count, where).found,
         perplexity(evidence, LAYERS, _without(count, where, speed=False)))
        for count, where in DROPPED
    ]  # fmt: skip
    drawn: list[tuple[str, float, float]] = []
    for place, (label, group) in enumerate((("formats", formats), ("layers left out", pruned))):
        known = [(name, s, q) for name, s, q in group if s and q]
        if not known:
            continue
        x = [math.exp(quality.estimate) for _, _, quality in known]
        y = [math.exp(speed.estimate) for _, speed, _ in known]
        axis.scatter(x, y, color=COLOURS[place], label=label)
        drawn += zip([name for name, _, _ in known], x, y, strict=True)
    if not drawn:
        return "Nothing to draw: no format has both its speed and its perplexity measured."
    axis.axhline(1.5, color="black", linestyle="--", linewidth=0.8)
    axis.axvline(1.05, color="black", linestyle="--", linewidth=0.8)
    axis.set_xscale("log")
    axis.set_xlabel("perplexity over the base's")
    axis.set_ylabel("speed of decode over the base's")
    axis.legend()
    names(axis, drawn)
    return None


CLAIM = Claim(
    id="quant-optimise",
    version=2,
    title="Model optimisation and pruning pay",
    quotes=(
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="最终还是要将大模型应用到这些硬件当中，并完成模型优化、模型剪枝等后续处理工作",  # noqa: RUF001
            english="in the end the large model must be applied to this hardware, with model "
            "optimisation, pruning and other post-processing",
        ),
        Quote(
            document="000_bab7ed8dc006d67b.txt",
            original="LLM本身的优化",
            english="optimising the LLM itself",
        ),
    ),
    hypothesis="Some 4 to 8 bit format decodes at least 1.5 times as fast as F16 at no more than "
    "5 % more perplexity; prefill gains at most 1.2 times; leaving out layers without training is "
    "not free.",
    rule="A format pays when the whole 95 % interval of its decode speed over F16's is at least "
    "1.5 and that of its perplexity at most 1.05 times; leaving out layers pays when it is at "
    "least 1.2 times as fast at no more than 1.10 times the perplexity. The claim is supported "
    "when one of them pays, and refuted when none does. Quality is beside F16 made from the file "
    "at hand (Q4_1), which is why Q4_1 itself is shown and decides nothing. Beside it: points of "
    "accuracy lost on the bundled items (95 % bootstrap interval over items; up to 5 supports that "
    "little is lost, above 15 refutes).",
    needs=(
        Cells(quants=(BASE, *FORMATS), workloads=("tg64",), launches={"smoke": 3, "full": 10}),
        Cells(quants=(BASE, "Q8_0", "Q4_0", "Q4_1"), workloads=("pp256",),
              launches={"smoke": 2, "full": 10}),
        Cells(quants=("Q5_0", "IQ4_NL"), workloads=("pp256",), launches={"full": 10}),
        Trying(kind=QUALITY, blocks={"smoke": 1, "full": 4}),
        Trying(kind=LAYERS, blocks={"smoke": 3, "full": 10}),
        # Q4_0, Q8_0 and the pruned file: as small-good-enough and tier-routing have them.
        Trying(kind=answers.KIND, blocks={"smoke": 4, "full": 4}),
        Trying(kind=answers.KIND, settings=ALONE | {"quants": BASE},
               blocks={"smoke": 4, "full": 4}),
        Trying(kind=answers.KIND, settings=ALONE | {"quants": "Q5_0,IQ4_NL,Q4_1"},
               blocks={"full": 4}),
    ),
    margins=MARGINS,
    combine="any",
    judge=judge,
    plot=plot,
    out_of_reach=(
        "The quality lost before the model was published: only quantized weights are.",
        "Pruning with training afterwards, which is how it is usually done.",
        "Who leads in such software, and who buys whom.",
    ),
    others_would_add="An ARM board without dot products, where few bits may be slower than more; "
    "a GPU; the F16 weights of the original.",
)  # fmt: skip
