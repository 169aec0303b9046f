"""Does a gateway that labels meter records itself take load off the centre? Pure.

It keeps the records that its model is sure about and sends the others on, where the rule answers.
The threshold is fitted on half of the records and tried on the other half, as in tier-routing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.claims import answers, resampling
from edgebench.claims.answers import Answer
from edgebench.claims.tier_routing import ROUTERS, Pair, routed
from edgebench.schema.claim import Margin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgebench.claims import Evidence
    from edgebench.schema.claim import Endpoint, Reason

KIND, TASK, ENCODING = "sensor-records", "threshold", "key_value"
ROUTER = ROUTERS["max_probability"]
MARGINS = {
    "gateway_tokens": Margin(support=0.5, refute=0.2),
    "gateway_points": Margin(support=2.0, refute=2.0, upward=False),
}


def endpoints(evidence: Evidence, rate: Endpoint) -> tuple[Endpoint, Endpoint]:
    """Tokens that are not sent on, and points below the rule; `rate` says if it keeps pace."""
    found = pairs(evidence)
    points = resampling.endpoint(
        "gateway_points_below_rule",
        "Kept by its own surety, are the gateway's answers within 2 points of the rule's?",
        resampling.bootstrap(found, lambda drawn: routed(drawn, ROUTER).loss_points,
                             resampling.FEW_DRAWS),
        MARGINS["gateway_points"],
        primary=False,
        unit="points",
    )  # fmt: skip
    tokens = resampling.endpoint(
        "gateway_tokens_avoided",
        "Is half of the records' tokens not sent on, at the rule's accuracy and the pace of a "
        "record every ten seconds?",
        resampling.bootstrap(found, lambda drawn: routed(drawn, ROUTER).tokens_share,
                             resampling.FEW_DRAWS),
        MARGINS["gateway_tokens"],
        primary=False,
        unit="share",
    )  # fmt: skip
    return _all_of(tokens, points, rate), points


def pairs(evidence: Evidence) -> list[Pair]:
    """Threshold records with what the model said, and whether the rule is right."""
    labelled = [
        (point.condition, values)
        for _, _, point in evidence.points(KIND)
        if point.condition.get("mode") == "label"
        and (point.condition.get("task"), point.condition.get("encoding")) == (TASK, ENCODING)
        and (values := point.values).get("log_probability_1") is not None
    ]
    return [
        Pair(_answer(number, condition, values), condition["rule"] == condition["label"])
        for number, (condition, values) in enumerate(labelled)
    ]


def _answer(
    number: int, condition: Mapping[str, object], values: Mapping[str, float | None]
) -> Answer:
    shares = sorted(answers.softmax(_scores(values)), reverse=True)
    return Answer(
        item=f"{TASK}-{number}", family=TASK, ability="language",
        right=condition["answered"] == condition["label"], chance=1 / len(shares),
        rule=float(condition["rule"] == condition["label"]), confidence=shares[0],
        margin=shares[0] - shares[1], prompt_tokens=values.get("record_tokens") or 0.0,
        seconds=None,
    )  # fmt: skip


def _scores(values: Mapping[str, float | None]) -> Sequence[float]:
    found: list[float] = []
    while (score := values.get(f"log_probability_{len(found)}")) is not None:
        found.append(score)
    return found


def _all_of(tokens: Endpoint, points: Endpoint, rate: Endpoint) -> Endpoint:
    """Refuted too where the pace is not kept; supported only where all three are."""
    if tokens.estimate is not None and rate.verdict == "refuted":
        says = "The pace is not kept."
        return tokens.model_copy(update={"verdict": "refuted", "reasons": (), "says": says})
    open_ones = [each for each in (points, rate) if each.verdict != "supported"]
    if tokens.verdict != "supported" or not open_ones:
        return tokens
    reasons: list[Reason] = [r for each in open_ones for r in each.reasons]
    fields = {"verdict": "inconclusive", "p": None,
              "reasons": tuple(dict.fromkeys(reasons)) or ("quality_floor",)}  # fmt: skip
    return tokens.model_copy(update=fields)
