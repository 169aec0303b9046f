"""Simple questions stay local, hard ones go to a dearer model: a cascade over recorded answers.

The smallest and the largest file that answered the bundled items are the two tiers. Routers look
at the small tier's answer alone; their threshold is fitted on half of the items and tried on
the other half, and the other way round.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.claims import Claim, Trying, answers, resampling
from edgebench.schema.claim import Margin, Quote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgebench.claims import Evidence
    from edgebench.claims.answers import Answer, Model
    from edgebench.claims.resampling import Estimate
    from edgebench.schema.claim import Endpoint, Reason

LOSS_POINTS = 1.0
MARGINS = {
    "local_share": Margin(support=0.30, refute=0.10),
    "loss": Margin(support=1.0, refute=3.0, upward=False),
    "area": Margin(support=0.0, refute=0.0),
    "tokens": Margin(support=0.50, refute=0.20),
}


class Pair(NamedTuple):
    """One item: what the small tier said, and whether each tier was right."""

    small: Answer
    large_right: bool


class Routed(NamedTuple):
    """Share of items kept local, quality lost against always asking the large tier, and the share
    of the prompts' tokens that stays local.
    """

    share: float
    loss_points: float
    tokens_share: float


def _random(pair: Pair) -> float:
    digest = hashlib.sha256(pair.small.item.encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


# A higher score is kept local first. The oracle knows both answers: no router can do better.
ROUTERS: Mapping[str, Callable[[Pair], float]] = {
    "max_probability": lambda pair: pair.small.confidence,
    "margin": lambda pair: pair.small.margin,
    "length": lambda pair: -pair.small.prompt_tokens,
    "random": _random,
    "oracle": lambda pair: 1.0 + pair.small.right - pair.large_right,
}
ROUTER = "max_probability"


def judge(evidence: Evidence) -> tuple[Endpoint, ...]:
    """The router of the claim first; what the others reach beside it."""
    pairs, reasons, says = tiers(evidence)
    share, loss, tokens = _resampled(pairs)
    found = [
        resampling.endpoint(
            "local_share",
            f"Does {ROUTER} keep 30 % of the items local, fitted to lose at most 1 point?",
            share,
            MARGINS["local_share"],
            unit="share",
            reasons=reasons,
            says=says,
        ),
        resampling.endpoint(
            "loss_points",
            "Is at most 1 point of accuracy lost on the items that the router was not fitted on?",
            loss,
            MARGINS["loss"],
            unit="points",
            reasons=reasons,
        ),
        resampling.endpoint(
            "upstream_tokens_avoided",
            "Is half of the prompts' tokens not sent to the large tier?",
            tokens,
            MARGINS["tokens"],
            primary=False,
            unit="share",
            reasons=reasons,
        ),
        *(_area(name, pairs, reasons) for name in ROUTERS if name != "random"),
    ]
    return tuple(found)


def pool(evidence: Evidence) -> tuple[Endpoint, ...]:
    """Answers do not depend on the machine: tiers may come from different ones."""
    return tuple(each.model_copy(update={"scope": "all"}) for each in judge(evidence))


def tiers(evidence: Evidence) -> tuple[list[Pair], tuple[Reason, ...], str]:
    """Items that both tiers answered, what stands in the way, and which tiers they are.

    `quality_floor`: the large tier is not better than the small one, so nothing can be lost.
    """
    known = answers.models(evidence)
    if not known:
        return [], ("not_measured",), ""
    if len(known) < 2:
        return [], ("model_missing",), ""
    small, large = known[0], known[-1]
    pairs = [
        Pair(one, large.answers[item].right)
        for item, one in sorted(small.answers.items())
        if item in large.answers
    ]
    gain = resampling.bootstrap(pairs, _gain, resampling.FEW_DRAWS)
    reasons: tuple[Reason, ...] = () if gain and gain.low > 0 else ("quality_floor",)
    return pairs, reasons, f"{_label(small)} before {_label(large)}."


def routed(pairs: Sequence[Pair], score: Callable[[Pair], float]) -> Routed:
    """Fitted on each half by turns, tried on the other, and averaged."""
    halves = (pairs[0::2], pairs[1::2])
    tried = [_try(halves[1 - place], _threshold(halves[place], score), score) for place in (0, 1)]
    return Routed(*(sum(each[place] for each in tried) / 2 for place in (0, 1, 2)))


def curve(pairs: Sequence[Pair], score: Callable[[Pair], float]) -> list[tuple[float, float]]:
    """(share kept local, accuracy) from none to all, items of one score together in order."""
    ordered = sorted(pairs, key=lambda pair: (-score(pair), _random(pair)))
    right = sum(pair.large_right for pair in ordered)
    found = [(0.0, right / len(ordered))]
    for kept, pair in enumerate(ordered, start=1):
        right += pair.small.right - pair.large_right
        found.append((kept / len(ordered), right / len(ordered)))
    return found


def area_over_random(pairs: Sequence[Pair], score: Callable[[Pair], float]) -> float:
    """Between the router's curve and the straight line from always large to always small."""
    points = curve(pairs, score)
    first, last = points[0][1], points[-1][1]
    under = sum((a[1] + b[1]) / 2 for a, b in pairwise(points)) / len(pairs)
    return under - (first + last) / 2


def _resampled(pairs: Sequence[Pair]) -> list[Estimate | None]:
    """Share, loss and tokens of the claim's router, all from the same draws.

    An item that is drawn into both halves would be tried where it was fitted.
    """
    seen: list[Routed] = []

    def share(drawn: Sequence[Pair]) -> float:
        seen.append(routed(drawn, ROUTERS[ROUTER]))
        return seen[-1].share

    if resampling.bootstrap(pairs, share, halves=True) is None:
        return [None] * len(Routed._fields)
    return [
        resampling.of_draws(first, rest, len(pairs), resampling.DRAWS)
        for first, *rest in zip(*seen, strict=True)
    ]


def _threshold(pairs: Sequence[Pair], score: Callable[[Pair], float]) -> float:
    """The lowest score that may stay local, so that at most LOSS_POINTS are lost on these."""
    ordered = sorted(pairs, key=score, reverse=True)
    allowed = LOSS_POINTS / 100 * len(ordered)
    best, lost = float("inf"), 0
    for place, pair in enumerate(ordered):
        lost += pair.large_right - pair.small.right
        last_of_score = place + 1 == len(ordered) or score(ordered[place + 1]) < score(pair)
        if last_of_score and lost <= allowed:
            best = score(pair)
    return best


def _try(pairs: Sequence[Pair], threshold: float, score: Callable[[Pair], float]) -> Routed:
    kept = [pair for pair in pairs if score(pair) >= threshold]
    lost = sum(pair.large_right - pair.small.right for pair in kept)
    tokens = sum(pair.small.prompt_tokens for pair in pairs)
    stays = sum(pair.small.prompt_tokens for pair in kept)
    share = stays / tokens if tokens else 0.0
    return Routed(len(kept) / len(pairs), 100 * lost / len(pairs), share)


def _area(name: str, pairs: Sequence[Pair], reasons: tuple[Reason, ...]) -> Endpoint:
    share = routed(pairs, ROUTERS[name]) if pairs else None
    says = f"Keeps {share.share:.0%} local, {share.loss_points:.1f} points lost." if share else ""
    return resampling.endpoint(
        f"area_{name}",
        f"Is routing by {name} better than chance, over all shares?",
        resampling.bootstrap(
            pairs, lambda drawn: area_over_random(drawn, ROUTERS[name]), resampling.FEW_DRAWS
        ),
        MARGINS["area"],
        primary=False,
        unit="area",
        reasons=reasons,
        says=says,
    )


def _gain(pairs: Sequence[Pair]) -> float:
    return sum(pair.large_right - pair.small.right for pair in pairs) / len(pairs)


def _label(model: Model) -> str:
    return f"{model.file.model or model.file.name} {model.file.quant}"


def plot(evidence: Evidence, figure: Any) -> str | None:
    """Accuracy against the share kept local, by router."""
    from edgebench.claims.drawing import COLOURS

    pairs, _, says = tiers(evidence)
    if not pairs:
        return "Nothing to draw: it takes the answers of two files."
    axis = figure.subplots()
    for place, (name, score) in enumerate(ROUTERS.items()):
        x, y = zip(*curve(pairs, score), strict=True)
        axis.plot(x, y, label=name, color=COLOURS[place % len(COLOURS)])
    axis.axvline(0.30, color="black", linestyle=":")
    axis.set_xlabel("share of items answered by the small tier")
    axis.set_ylabel("accuracy")
    axis.set_title(says)
    axis.legend()
    return None


CLAIM = Claim(
    id="tier-routing",
    version=2,
    title="Simple questions stay local, hard ones go to a dearer model",
    quotes=(
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="那就可以简单的问答，调用用户本地的 CPU 的算力，"  # noqa: RUF001
            "就可以放一些开源的模型出来",
            english="simple questions can use the user's local CPU, with open models",
        ),
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="然后遇到一些复杂问题，放在 GPT，或者是更贵的模型上跑",  # noqa: RUF001
            english="complex questions are run on GPT or a dearer model",
        ),
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="做成一个类似智能电表之类的网关，完成简单的推理计算",  # noqa: RUF001
            english="make a gateway like a smart meter, which does simple inference",
        ),
    ),
    hypothesis="At least 30 % of the items stay with the small tier while at most 1 point of "
    "accuracy is lost against always asking the large one.",
    rule="Routing by the small tier's confidence; the threshold that loses at most 1 point is "
    "fitted on half of the items and tried on the other half, both ways round; 95 % bootstrap "
    "interval over items. Supported when the whole interval of the local share is at least 0.30 "
    "and that of the loss at most 1 point; refuted when the share is below 0.10 or the loss above "
    "3 points. quality_floor: the large tier is not better than the small one.",
    needs=(Trying("task-items", blocks={"smoke": 4, "full": 4}),),
    margins=MARGINS,
    judge=judge,
    pool=pool,
    plot=plot,
    out_of_reach=(
        "The mix of questions that real users ask.",
        "The quality of closed models, except as recorded answers.",
    ),
    others_would_add="Answers of a model that is really larger (8B on a GPU): with one small model "
    "the two tiers are formats or prunings of it.",
)
