"""More text needs more compute, because attention relates every token to every other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from edgebench.claims import Cells, Claim, Trying, means, recall
from edgebench.claims import context_theory as theory
from edgebench.claims.courses import (
    QUANT,
    courses,
    decode_fit,
    exponent,
    prefill_fit,
)
from edgebench.schema.claim import Margin, Quote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgebench.claims import Evidence
    from edgebench.claims.courses import Course
    from edgebench.schema.claim import Endpoint

MARGINS = {
    "quadratic_share": Margin(support=0.0, refute=0.0),
    "decode_growth": Margin(support=0.0, refute=0.0),
    "exponent": Margin(support=1.3, refute=1.1),
    **theory.MARGINS,
    "pass_key": recall.MARGIN,
    "obedience": recall.OBEDIENCE_MARGIN,
}


def judge(evidence: Evidence) -> tuple[Endpoint, ...]:
    """Superlinear prefill and slowing decode with flash attention; the rest stands beside it."""
    return (
        _superlinear(evidence, flash=True, primary=True),
        _slowing(evidence, flash=True, primary=True),
        _superlinear(evidence, flash=False, primary=False),
        _slowing(evidence, flash=False, primary=False),
        *(_exponent(evidence, flash=flash) for flash in (True, False)),
        *theory.endpoints(evidence),
        recall.endpoint(evidence),
        recall.obedience(evidence),
    )


def _superlinear(evidence: Evidence, *, flash: bool, primary: bool) -> Endpoint:
    found = courses(evidence, "prefill", flash=flash)
    values = []
    longest = max((max(course) for course in found.values()), default=0)
    for course in found.values():
        a, b = prefill_fit(course)
        values.append(b * max(course) / (a + b * max(course)))
    return means.of_values(
        f"prefill_quadratic_share{_suffix(flash)}",
        "Does prefill grow faster than its length: what share of the longest prompt's time is b N^2"
        f"{_with(flash)}?",
        values,
        MARGINS["quadratic_share"],
        unit=f"share of prefill at {longest} tokens" if longest else "share",
        primary=primary,
    )


def _slowing(evidence: Evidence, *, flash: bool, primary: bool) -> Endpoint:
    fits = [decode_fit(course) for course in courses(evidence, "decode", flash=flash).values()]
    return means.of_values(
        f"decode_growth_per_1024{_suffix(flash)}",
        "Does decode slow with depth: by what share of a token's time without context, for each "
        f"1,024 tokens of it{_with(flash)}?",
        [1024 * slope / start for start, slope in fits if start > 0],
        MARGINS["decode_growth"],
        unit="share",
        primary=primary,
    )


def _exponent(evidence: Evidence, *, flash: bool) -> Endpoint:
    """The strong form."""
    found = map(exponent, courses(evidence, "prefill", flash=flash).values())
    return means.of_values(
        f"prefill_exponent{_suffix(flash)}",
        f"The exponent of prefill time between 2,048 and 8,192 tokens{_with(flash)}: is it "
        "quadratic?",
        [each for each in found if each is not None],
        MARGINS["exponent"],
        unit="exponent",
        primary=False,
    )


def _suffix(flash: bool) -> str:
    return "" if flash else "_without_flash"


def _with(flash: bool) -> str:
    return " with flash attention" if flash else " without flash attention"


def plot(evidence: Evidence, figure: Any) -> str | None:
    """Milliseconds per token over length with the fit; decode speed over depth with theory."""
    left, right = figure.subplots(1, 2)
    drawn = [
        _draw(left, evidence, "prefill", _per_token, place, flash=flash)
        for place, flash in enumerate((True, False))
    ]
    drawn += [
        _draw(right, evidence, "decode", _speeds, place, flash=flash)
        for place, flash in enumerate((True, False))
    ]
    if not any(drawn):
        return "Nothing to draw: no device has several lengths of text measured."
    left.set(xscale="log", yscale="log", xlabel="tokens in the prompt", ylabel="ms per token")
    right.set(xlabel="tokens in the context", ylabel="decode, of its speed without context")
    depths = range(0, 8193, 256)
    theories = (
        (theory.HALF_SPEED_BY_BYTES, "bytes", "--"),
        (theory.HALF_SPEED_BY_FLOPS, "FLOPs", ":"),
    )
    for depth, name, style in theories:
        right.plot(
            depths, [1 / (1 + d / depth) for d in depths], style, color="grey", linewidth=0.9,
            label=f"if {name} bind",
        )  # fmt: skip
    left.legend()
    right.legend()
    return None


def _draw(
    axis: Any,
    evidence: Evidence,
    phase: str,
    turn: Callable[[Mapping[int, float]], Course],
    place: int,
    *,
    flash: bool,
) -> bool:
    from edgebench.claims.drawing import COLOURS

    found = courses(evidence, phase, flash=flash)
    if not found:
        return False
    label = "flash attention" if flash else "without"
    for number, course in enumerate(found.values()):
        drawn = turn(course)
        axis.plot(
            list(drawn), list(drawn.values()), marker=".", color=COLOURS[place], alpha=0.5,
            linewidth=0.8, label=label if number == 0 else None,
        )  # fmt: skip
    if phase == "prefill":
        fits = [prefill_fit(course) for course in found.values()]
        a, b = (_mean([each[i] for each in fits]) for i in (0, 1))
        lengths = sorted({n for course in found.values() for n in course})
        axis.plot(lengths, [1e3 * (a + b * n) for n in lengths], ":", color=COLOURS[place])
    return True


def _per_token(course: Mapping[int, float]) -> Course:
    return {n: 1e3 * course[n] / n for n in sorted(course)}


def _speeds(course: Mapping[int, float]) -> Course:
    first = course[min(course)]
    return {d: first / course[d] for d in sorted(course)}


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


CLAIM = Claim(
    id="context-cost",
    version=2,
    title="More text needs more compute",
    quotes=(
        Quote(
            document="001_af783ddbabe0d091.txt",
            original="文本越多,他的計算資源要求就越多",
            english="the more text, the more compute it needs",
        ),
        Quote(
            document="000_bab7ed8dc006d67b.txt",
            original="utilizing attention mechanism to calculate the relationship between every "
            "word",
        ),
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="以前是 4K，现在有 8K 和 32K 的版本",  # noqa: RUF001
            english="before it was 4K, now there are versions of 8K and 32K",
        ),
        Quote(
            document="000_bab7ed8dc006d67b.txt",
            original="上下文中注意力失控",
            english="attention out of control within the context",
        ),
        Quote(
            document="001_af783ddbabe0d091.txt",
            original="但實踐中,system中的內容總是被遺忘",
            english="in practice the content of the system field is always forgotten",
        ),
    ),
    hypothesis="Prefill takes aN + bN^2 with b above 0, and decode slows as the context grows. The "
    "strong form: between 2,048 and 8,192 tokens prefill grows with an exponent above 1.3.",
    rule="Fitted block by block, with flash attention. Supported when the whole 95 % interval of "
    "the quadratic share of prefill and that of decode's growth with depth are above 0, refuted "
    "when one is below. Beside it: the same without flash attention; the strong form (above 1.3 "
    "supports, below 1.1 refutes); decode's growth at the depth where theory foretells half speed; "
    "whether a cache of q8_0 flattens it (0.75 or less supports that bytes bind); the depth of "
    "half speed (3,100 to 5,200 tokens) and the memory of a token (0.9 to 1.1 times what its keys "
    "and values need); a token at 8,192 over one at 512 (from 2.05 on attention is slower than "
    "matrices). Pass-key: the middle is forgotten when it is at least 10 points below the end; "
    "refuted below 5 points; nothing is concluded where even the shortest text is answered below "
    "80 %. A rule in the system field is forgotten when it is kept at least 20 points less often "
    "at the greatest distance than right after it; refuted below 5 points, and nothing is "
    "concluded below 80 % right after it.",
    needs=(
        Cells(quants=(QUANT,), workloads=("pp64", "pp512", "pp1024", "pp2048"),
              flash_attention=(True, False), launches={"smoke": 3}),
        Cells(quants=(QUANT,), workloads=("tg32", "tg32@d1024", "tg32@d2048"),
              launches={"smoke": 3}),
        Cells(quants=(QUANT,),
              workloads=("pp64", "pp128", "pp256", "pp512", "pp1024", "pp2048", "pp4096",
                         "pp8192"),
              flash_attention=(True, False), launches={"full": 5}),
        Cells(quants=(QUANT,),
              workloads=("tg32", "tg32@d512", "tg32@d1024", "tg32@d2048", "tg32@d4096",
                         "tg32@d8064"),
              flash_attention=(True, False), launches={"full": 5}),
        Cells(quants=(QUANT,), workloads=("tg32", "tg32@d1024", "tg32@d2048", "tg32@d4096"),
              kv_types=("q8_0",), launches={"full": 5}),
        Trying(kind="pass-key", blocks={"smoke": 3, "full": 10}),
        Trying(kind=recall.OBEDIENCE, blocks={"smoke": 3, "full": 10}),
    ),
    margins=MARGINS,
    judge=judge,
    plot=plot,
    out_of_reach=(
        "Why commercial services bill by the token, and at what price.",
        "Whether a closed model always forgets its system field: only models that can be run here "
        "are seen, and a small one may forget for reasons of size.",
        "Contexts of 32,000 tokens and more: the model was trained for 8,192.",
    ),
    others_would_add="An ARM server core, where flash attention is known to change sign, a GPU, "
    "and larger models, whose matrices weigh more beside attention.",
)  # fmt: skip
