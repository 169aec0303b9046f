"""Small open models suffice: quality relative to the largest model that answered the same items."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from edgebench.analysis import metrics, stats
from edgebench.claims import Claim, Trying, answers, relative_quality, resampling
from edgebench.schema.claim import Margin, Quote
from edgebench.schema.tasks import PRUNED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from edgebench.claims import Evidence
    from edgebench.claims.answers import Answer, Model
    from edgebench.claims.resampling import Estimate
    from edgebench.schema.claim import Endpoint

FAMILIES = ("intent", "extraction", "yes_no", "arithmetic", "fact")
# A model is called larger from this many times the parameters on.
LARGER = 2.0
MARGINS = {
    "relative_quality": Margin(support=0.75, refute=0.70),
    "language_over_knowledge": Margin(support=0.0, refute=0.0),
    "above_chance": Margin(support=0.0, refute=0.1),
    "against_rule": Margin(support=0.0, refute=0.0),
    "json": Margin(support=0.95, refute=0.80),
}
READING_TOK_S, FIRST_TOKEN_S = 5.0, 2.0


def judge(evidence: Evidence) -> tuple[Endpoint, ...]:
    """The smallest model against the largest, by family; against chance and rules; JSON."""
    known = whole(evidence)
    small = known[0] if known else None
    large = known[-1] if known and _larger(known[-1], known[0]) else None
    found = [
        *_relative(small, large),
        *_sizes(known, large),
        _usable(evidence, small, large),
        *_alone(small),
        _json(evidence, small),
    ]
    return tuple(found)


def whole(evidence: Evidence) -> list[Model]:
    """Without pruned files, which are tiers of tier-routing and nobody's models."""
    return [each for each in answers.models(evidence) if each.file.source != PRUNED]


def pool(evidence: Evidence) -> tuple[Endpoint, ...]:
    """A file answers alike on every machine: all records are read as one, model against model."""
    return tuple(each.model_copy(update={"scope": "all"}) for each in judge(evidence))


def _relative(small: Model | None, large: Model | None) -> Iterator[Endpoint]:
    kinds: dict[str, Callable[[Answer], bool]] = {
        "language": lambda each: each.ability == "language",
        "knowledge": lambda each: each.ability == "knowledge",
    }
    kinds |= {name: _in_family(name) for name in FAMILIES if name != "fact"}
    for name, chosen in kinds.items():
        yield _quality(f"rq_{name}", name, small, large, chosen, primary=name == "language")
    yield _split(small, large)


def _in_family(name: str) -> Callable[[Answer], bool]:
    return lambda each: each.family == name


def _quality(
    name: str,
    what: str,
    small: Model | None,
    large: Model | None,
    chosen: Callable[[Answer], bool],
    *,
    primary: bool = False,
) -> Endpoint:
    draws = resampling.DRAWS if primary else resampling.FEW_DRAWS
    found, reasons = (
        relative_quality.relative(small, large, chosen, draws) if small and large else (None, ())
    )
    if small and not large:
        reasons = ("model_missing",)
    says = f"{_label(small)} against {_label(large)}." if small and large else ""
    return resampling.endpoint(
        name,
        f"Does the small model reach 75 % of the large one's quality in {what} items?",
        found,
        MARGINS["relative_quality"],
        primary=primary,
        reasons=reasons,
        says=says,
    )


def _sizes(known: Sequence[Model], large: Model | None) -> Iterator[Endpoint]:
    """Every other model against the largest: the size at which it is good enough is a result."""
    for each in known[1:]:
        if large and _larger(large, each):
            slug = re.sub(r"[^a-z0-9]+", "_", _label(each).lower()).strip("_")
            yield _quality(
                f"rq_language_{slug}", "language", each, large, lambda a: a.ability == "language"
            )


def _split(small: Model | None, large: Model | None) -> Endpoint:
    """RQ of language less RQ of knowledge, items of both drawn apart and together."""
    found: Estimate | None = None
    if small and large:
        shared = [(one, large.answers[i]) for i, one in sorted(small.answers.items())
                  if i in large.answers and one.ability in {"language", "knowledge"}]  # fmt: skip
        found = resampling.bootstrap(shared, relative_quality.difference, resampling.FEW_DRAWS)
    return resampling.endpoint(
        "language_over_knowledge",
        "Is less quality lost in language than in knowledge?",
        found,
        MARGINS["language_over_knowledge"],
        primary=False,
        unit="difference of RQ",
        reasons=("model_missing",) if small and not large else (),
    )


def _alone(small: Model | None) -> Iterator[Endpoint]:
    """What one model shows by itself."""
    chosen = list(small.answers.values()) if small else []
    for family in FAMILIES:
        own = [each for each in chosen if each.family == family]
        yield resampling.endpoint(
            f"above_chance_{family}",
            f"Is the small model better than guessing in {family} items?",
            resampling.bootstrap(own, relative_quality.beyond_chance, resampling.FEW_DRAWS),
            MARGINS["above_chance"],
            primary=False,
            unit="accuracy beyond chance",
            says=_right(own),
        )
        yield resampling.endpoint(
            f"against_rule_{family}",
            f"Is it at least as good as the rules in {family} items?",
            resampling.bootstrap(own, relative_quality.over_rule, resampling.FEW_DRAWS),
            MARGINS["against_rule"],
            primary=False,
            unit="difference of accuracy",
        )


def _right(own: Sequence[Answer]) -> str:
    """How many, and how many a second where the answers were timed."""
    if not own:
        return ""
    right, took = sum(each.right for each in own), [each.seconds for each in own if each.seconds]
    rate = f", {right / sum(took):.1f} right answers a second" if len(took) == len(own) else ""
    return f"{right} of {len(own)} right{rate}."


def _json(evidence: Evidence, small: Model | None) -> Endpoint:
    kept: dict[str, bool] = {}
    for _, _, point in evidence.points(answers.KIND):
        valid, keys = point.values.get("valid_json"), point.values.get("right_keys")
        if small and point.condition.get("file") == small.file.sha256 and valid is not None:
            kept.setdefault(str(point.condition.get("item")), bool(valid and keys))
    return resampling.endpoint(
        "json_format",
        "Does it write JSON with exactly the keys that were asked for?",
        resampling.wilson(sum(kept.values()), len(kept)),
        MARGINS["json"],
        primary=False,
        unit="share",
    )


def _usable(evidence: Evidence, small: Model | None, large: Model | None) -> Endpoint:
    """Degraded but usable: the same file passes the quality and the speed gate."""
    question = "Does the small model pass the quality gate and the speed gate on one device?"
    found, reasons = relative_quality.relative(small, large, lambda a: a.ability == "language") if (
        small and large
    ) else (None, ())  # fmt: skip
    if small and not large:
        reasons = ("model_missing",)
    speed = small is not None and _fast(evidence, small.file.sha256)
    if found and not reasons and not speed:
        reasons = ("not_measured",)
    says = "" if not small else (
        f"Decodes at {READING_TOK_S:g} tok/s or more." if speed else "No passing speed recorded."
    )  # fmt: skip
    return resampling.endpoint(
        "degraded_but_usable", question, found, MARGINS["relative_quality"], primary=False,
        reasons=reasons, says=says,
    )  # fmt: skip


def _fast(evidence: Evidence, sha256: str) -> bool:
    """Whether some record decodes that file at reading speed, by the whole interval."""
    for row in evidence.rows():
        if row.file.sha256 == sha256 and metrics.may_show_speed(row.entry):
            speed = stats.interval(
                [v for v in metrics.per_launch(row.entry, metrics.decode_tok_s) if v > 0]
            )
            if speed and speed.low and speed.low >= READING_TOK_S:
                return True
    return False


def _larger(one: Model, two: Model) -> bool:
    return one.parameters >= LARGER * two.parameters


def _label(model: Model | None) -> str:
    return f"{model.file.model or model.file.name} {model.file.quant}" if model else ""


def plot(evidence: Evidence, figure: Any) -> str | None:
    """Accuracy beyond chance by family for each file, with rules; 0 is guessing."""
    from edgebench.claims.drawing import COLOURS

    known = whole(evidence)
    if not known:
        return "Nothing to draw: no model has answered the items."
    axis = figure.subplots()
    width = 0.8 / (len(known) + 1)
    rules = [_share(list(known[0].answers.values()), f, rule=True) for f in FAMILIES]
    series = [(_label(each), [_share(list(each.answers.values()), f) for f in FAMILIES])
              for each in known]  # fmt: skip
    for place, (label, heights) in enumerate([*series, ("rules", rules)]):
        x = [n + place * width for n in range(len(FAMILIES))]
        axis.bar(x, heights, width, label=label, color=COLOURS[place % len(COLOURS)])
    axis.axhspan(0.70, 0.75, alpha=0.15, color="black")
    axis.axhline(0, color="black", linewidth=0.8)
    axis.set_xticks([n + 0.4 - width / 2 for n in range(len(FAMILIES))], FAMILIES)
    axis.set_ylabel("accuracy beyond chance")
    axis.legend()
    return None


def _share(found: Sequence[Answer], family: str, *, rule: bool = False) -> float:
    own = [each for each in found if each.family == family]
    scores = ((each.rule if rule else float(each.right), each.chance) for each in own)
    return answers.corrected(scores) or 0.0


CLAIM = Claim(
    id="small-good-enough",
    version=1,
    title="Small open models suffice for plain tasks: degraded but usable",
    quotes=(
        Quote(
            document="001_af783ddbabe0d091.txt",
            original="單機版LLM,劣化但能用",
            english="standalone LLM: degraded but usable",
        ),
        Quote(
            document="001_af783ddbabe0d091.txt",
            original="單機跑的小模型(效果差),能不能在終端跑通垂類應用",
            english="can a standalone (poor) small model carry a vertical application on the "
            "terminal?",
        ),
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="只需要做到 GPT 70、80 水平的能力就好",
            english="70-80% of GPT's level is enough",
        ),
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="只需要 10B 甚至现在 LLaMA 的模型就能够很好解决",
            english="(for the language problem) 10B, or even today's LLaMA, is enough",
        ),
    ),
    hypothesis="On items about language (intents, extraction, yes or no) a small model reaches at "
    "least 75 % of the chance-corrected accuracy of the largest model that answered them, and less "
    "on knowledge.",
    rule="Relative quality RQ = (accuracy of the small model - chance) / (accuracy of the large "
    "one - chance), over the same items with 3 solved examples; 95 % bootstrap interval over "
    "items. Language items: supported when the whole interval is at least 0.75, refuted when it "
    "is below 0.70. The smallest model of the records against the largest, which must have twice "
    "the parameters (else model_missing) and be beyond chance (else quality_floor).",
    needs=(Trying("task-items", blocks={"smoke": 4, "full": 4}),),
    margins=MARGINS,
    judge=judge,
    pool=pool,
    plot=plot,
    out_of_reach=(
        "Targeted fine-tuning, which is training.",
        "Closed models such as GPT-4, except as recorded answers that somebody contributes.",
        "Whether anybody makes money from it.",
    ),
    others_would_add="Answers of 1B, 3B and 8B models: a task-items record of any machine that "
    "runs them serves as the reference for all.",
)
