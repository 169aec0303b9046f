"""Sensor records are light and easily understood: tokens, time, and the right label."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.claims import Claim, Trying, decide, figures, gateway, resampling
from edgebench.schema.claim import Margin, Quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.claims import Evidence
    from edgebench.claims.resampling import Estimate
    from edgebench.schema.claim import Endpoint

KIND = "sensor-records"
TASKS = ("threshold", "trend", "activity")
ENCODINGS = ("key_value", "json", "prose")
# The document's own example is `temperature=17 C`: this encoding decides, the others stand beside.
ENCODING = "key_value"
MOST_TOKENS, FIRST_TOKEN_S, DUTY = 96.0, 1.0, 0.10
MARGINS = {
    "tokens": Margin(support=MOST_TOKENS, refute=MOST_TOKENS, upward=False),
    "first_token": Margin(support=FIRST_TOKEN_S, refute=FIRST_TOKEN_S, upward=False),
    "accuracy": Margin(support=0.9, refute=0.6),
    "json": Margin(support=0.95, refute=0.95),
    "rate": Margin(support=0.1, refute=0.1),
    **gateway.MARGINS,
}


class Labelled(NamedTuple):
    label: str
    answered: str
    rule: str


def judge(evidence: Evidence) -> tuple[Endpoint, ...]:
    """Light (tokens and time), compatible (threshold records), and the harder tasks beside it."""
    found = [
        _tokens(evidence),
        _first_token(evidence),
        *(_accuracy(evidence, task, ENCODING) for task in TASKS),
        *(
            _accuracy(evidence, "threshold", encoding)
            for encoding in ENCODINGS
            if encoding != ENCODING
        ),
        _json(evidence),
    ]
    rate = _rate(evidence)
    return (*found, rate, *gateway.endpoints(evidence, rate))


def _tokens(evidence: Evidence) -> Endpoint:
    counted = figures.of_points(
        evidence, KIND, "record_tokens",
        where=lambda c: c.get("mode") == "label" and c.get("encoding") == ENCODING,
    )  # fmt: skip
    return decide.of_compared(
        "light_tokens",
        "Do a record and the question about it take at most 96 tokens in the median?",
        figures.level(counted),
        MARGINS["tokens"],
        unit="tokens",
    )


def _first_token(evidence: Evidence) -> Endpoint:
    waited = figures.of_points(
        evidence, KIND, "prompt_s",
        where=lambda c: c.get("mode") == "alone" and c.get("encoding") == ENCODING,
    )  # fmt: skip
    return decide.of_compared(
        "light_first_token_s",
        "Is the first token of a record that stands alone there within a second?",
        figures.level(waited),
        MARGINS["first_token"],
        unit="s",
    )


def _accuracy(evidence: Evidence, task: str, encoding: str) -> Endpoint:
    found = labelled(evidence, task, encoding)
    model, rule = balanced(found), balanced([e._replace(answered=e.rule) for e in found])
    decisive = (task, encoding) == ("threshold", ENCODING)
    draws = resampling.DRAWS if decisive else resampling.FEW_DRAWS
    says = f"Balanced accuracy {model:.2f}, rules {rule:.2f}." if model and rule else ""
    return resampling.endpoint(
        f"accuracy_{task}_{encoding}",
        f"Balanced accuracy over that of a rule: {task} records as {encoding}.",
        resampling.bootstrap(found, over_rule, draws),
        MARGINS["accuracy"],
        primary=decisive,
        says=says,
    )


def labelled(evidence: Evidence, task: str, encoding: str) -> list[Labelled]:
    """Every record of a task in one encoding, with what was answered."""
    return [
        Labelled(*(str(point.condition[name]) for name in Labelled._fields))
        for _, _, point in evidence.points(KIND)
        if point.condition.get("mode") == "label"
        and point.condition.get("task") == task
        and point.condition.get("encoding") == encoding
        and set(Labelled._fields) <= set(point.condition)
    ]


def balanced(found: Sequence[Labelled]) -> float | None:
    """The mean over labels of the share of their records that were answered right."""
    labels = sorted({each.label for each in found})
    if len(labels) < 2:
        return None
    return statistics.fmean(
        statistics.fmean(each.answered == label for each in found if each.label == label)
        for label in labels
    )


def over_rule(found: Sequence[Labelled]) -> float | None:
    model, rule = balanced(found), balanced([e._replace(answered=e.rule) for e in found])
    return model / rule if model is not None and rule else None


def _json(evidence: Evidence) -> Endpoint:
    told = [
        point.values["valid_json"]
        for _, _, point in evidence.points(KIND)
        if point.condition.get("mode") == "json" and point.values.get("valid_json") is not None
    ]
    found: Estimate | None = resampling.wilson(sum(bool(each) for each in told), len(told))
    return resampling.endpoint(
        "valid_json",
        "Are at least 95 % of the labels that it writes by itself valid JSON?",
        found,
        MARGINS["json"],
        unit="share",
    )


def _rate(evidence: Evidence) -> Endpoint:
    """Records a second when the engine may work a tenth of the time."""
    spent = figures.of_points(
        evidence, KIND, "prompt_s",
        where=lambda c: c.get("mode") == "alone" and c.get("encoding") == ENCODING,
    )  # fmt: skip
    rates = spent._replace(by_block={b: DUTY / s for b, s in spent.by_block.items()})
    return decide.of_compared(
        "records_per_s_at_tenth_duty",
        "Can a record every ten seconds be answered in a tenth of the time?",
        figures.level(rates),
        MARGINS["rate"],
        primary=False,
        unit="records/s",
    )


def plot(evidence: Evidence, figure: Any) -> str | None:
    """Balanced accuracy against tokens a record, by task and encoding; chance dashed."""
    from edgebench.claims.drawing import COLOURS

    axis = figure.subplots()
    drawn = False
    for colour, task in zip(COLOURS, TASKS, strict=False):
        for marker, encoding in zip("os^", ENCODINGS, strict=True):
            found = labelled(evidence, task, encoding)
            accuracy, tokens = balanced(found), _median_tokens(evidence, task, encoding)
            if accuracy is not None and tokens:
                axis.plot(tokens, accuracy, marker, color=colour, label=f"{task}, {encoding}")
                drawn = True
        axis.axhline(1 / 2 if task == "threshold" else 1 / 3, color=colour, linestyle="--")
    if not drawn:
        return "Nothing to draw: no sensor records were answered."
    axis.axvline(MOST_TOKENS, color="black", linestyle=":")
    axis.set_xlabel("tokens per record and question")
    axis.set_ylabel("balanced accuracy")
    axis.legend()
    return None


def _median_tokens(evidence: Evidence, task: str, encoding: str) -> float | None:
    tokens = [
        count
        for _, _, point in evidence.points(KIND)
        if point.condition.get("task") == task and point.condition.get("encoding") == encoding
        if (count := point.values.get("record_tokens")) is not None
    ]
    return statistics.median(tokens) if tokens else None


CLAIM = Claim(
    id="sensor-light",
    version=2,
    title="Small sensor sources are easy to add",
    quotes=(
        Quote(
            document="001_af783ddbabe0d091.txt",
            original="他們的信息結構很簡單,基本都是代碼常見格式,是現有能力能夠快速兼容的,"
            "比起音頻、視頻要做的語義融入簡單太多",
            english="their structure is simple, common code formats, quickly compatible; far "
            "simpler than fusing audio or video",
        ),
        Quote(
            document="000_bab7ed8dc006d67b.txt",
            original="quantitative data like gyroscopes, touch, temperature, infrared",
        ),
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="Mobile 设备上传感器更多",
            english="mobile devices have more sensors",
        ),
    ),
    hypothesis="A sensor record costs little (at most 96 tokens and one second to the first token) "
    "and a small model reads it nearly as well as a rule of one comparison.",
    rule="Records as key=value, the document's own form. Light: median tokens of record and "
    "question at most 96 and time to the first token at most 1 s (interval over blocks). "
    "Compatible: balanced accuracy on threshold records, over the rule's, supported from 0.9, "
    "refuted below 0.6 (95 % bootstrap interval over records, one solved example per label); and "
    "at least 95 % of the labels that it writes are valid JSON (Wilson). All four are primary. "
    "Beside them, a gateway that keeps the threshold records it is sure about: half of the tokens "
    "not sent on supports that it takes load off the centre, at most 2 points below the rule and "
    "a record every ten seconds at a tenth of the time; below 0.2, or too slow, refutes.",
    needs=(Trying("sensor-records", blocks={"smoke": 10, "full": 20}),),
    margins=MARGINS,
    judge=judge,
    plot=plot,
    out_of_reach=(
        "Audio and video, with which the document compares.",
        "Raw series of motion sensors: here a summary of them is asked about.",
    ),
    others_would_add="Larger models, for the accuracy; boards of one watt, for the rate.",
)
