"""Models run usefully on the device as it is: memory, time to the first token, time per token, and
whether it lasts.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.analysis import metrics, stats
from edgebench.analysis.notes import is_contended
from edgebench.analysis.stats import LogRatio
from edgebench.claims import Cells, Claim, Trying, decide, figures
from edgebench.schema.claim import Margin, Quote

if TYPE_CHECKING:
    from edgebench.claims import Evidence, Row
    from edgebench.claims.figures import Compared, Figures
    from edgebench.schema.claim import Endpoint, Reason

SMALL = "smollm2-135m"
MODELS = (SMALL, "smollm2-360m", "tinyllama", "llama-3.2-3b")
QUANT = "Q4_0"
MEMORY_SHARE, FIRST_TOKEN_S, PER_TOKEN_S, SUSTAINED = 0.5, 2.0, 0.2, 0.8
COMFORTABLE_S = 0.1
CHARACTERS_S = 5.0
MARGINS = {
    # The worst gate's limit over what was measured: 1 is the limit itself.
    "usable": Margin(support=1.0, refute=1.0),
    "comfortable": Margin(support=1.0, refute=1.0),
    "sustained": Margin(support=1.0, refute=1.0),
    "chinese": Margin(support=1.0, refute=1.0),
}


class Gate(NamedTuple):
    """`compared` is limit over measured: above 1 passes."""

    name: str
    compared: Compared


def judge(evidence: Evidence) -> tuple[Endpoint, ...]:
    """The small model with every gate decides; larger ones show where it ends."""
    found = [_usable(evidence, model) for model in MODELS]
    return (*found, _sustained_endpoint(evidence), _comfortable(evidence), _chinese(evidence))


def gates(evidence: Evidence, model: str) -> list[Gate]:
    """Memory, first token of 256, a token; and for the small model whether it lasts."""
    rows = _rows(evidence, model)
    first = _inverse(figures.figures(rows, metrics.time_to_first_token_s), FIRST_TOKEN_S)
    token = figures.figures(rows, metrics.decode_tok_s)
    found = [
        Gate("time to the first token", first),
        Gate("time per token", figures.level(token, 1 / PER_TOKEN_S)),
        Gate("memory", _memory(rows)),
    ]
    return [*found, Gate("sustained speed", _sustained(evidence))] if model == SMALL else found


def _usable(evidence: Evidence, model: str) -> Endpoint:
    """By the gate that binds: a failed one, else the one that comes nearest to failing."""
    found = gates(evidence, model)
    unknown = [gate for gate in found if gate.compared.found is None]
    binding = min(
        (gate for gate in found if gate.compared.found), key=_upper, default=found[0]
    )  # fmt: skip
    fails = _upper(binding) < 1
    if not fails:
        binding = min((g for g in found if g.compared.found), key=_lower, default=found[0])
    reasons: tuple[Reason, ...] = ()
    if unknown and not fails:
        reasons = unknown[0].compared.reasons or ("not_measured",)
    name = f"usable_{model.replace('-', '_').replace('.', '_')}"
    endpoint = decide.of_compared(
        name,
        f"Does {model} {QUANT} pass every gate (the worst gate's limit over what was measured)?",
        binding.compared,
        MARGINS["usable"],
        primary=model == SMALL,
        reasons=reasons,
    )
    lasting = "" if model == SMALL else " Not tried for long."
    missing = f" Not known: {unknown[0].name}." if unknown else ""
    return endpoint.model_copy(
        update={"says": f"{model}: the gate that binds is {binding.name}.{missing}{lasting}"}
    )


def _upper(gate: Gate) -> float:
    return gate.compared.found.bounds()[1] if gate.compared.found else math.inf


def _lower(gate: Gate) -> float:
    return gate.compared.found.bounds()[0] if gate.compared.found else math.inf


def _rows(evidence: Evidence, model: str) -> list[Row]:
    """A chat turn, real text where there is a tokenizer; at the most threads, best instructions."""
    from edgebench.claims.isa_speedup import STEPS

    weights = "real" if model == SMALL else "synthetic"
    workload = "chat.v1" if model == SMALL else "pp256+tg64"
    chosen = figures.rows(
        evidence, model=model, weights=weights, quant=QUANT, workload=workload, where=figures.plain
    )
    most = max((row.entry.cell.threads for row in chosen), default=0)
    best = figures.best_isa(chosen, STEPS)
    return [
        r for r in chosen
        if r.entry.cell.threads == most and best in (None, r.entry.cell.isa)
    ]  # fmt: skip


def _inverse(found: Figures, limit: float) -> Compared:
    """limit / value, for what must be small."""
    shares = {block: limit / value for block, value in found.by_block.items()}
    return figures.level(figures.Figures(shares, found.contended))


def _memory(rows: list[Row]) -> Compared:
    """Of each launch; peaks hardly differ, and the limit is half of the memory."""
    shares = {
        (row.result.run_id, launch.round): MEMORY_SHARE
        * row.result.device.memory_total_bytes
        / launch.memory.peak_rss_bytes
        for row in rows
        for launch in row.entry.launches
        if launch.memory and launch.memory.peak_rss_bytes and not launch.sustained
    }
    return figures.level(figures.Figures(shares))


def _sustained(evidence: Evidence) -> Compared:
    """Last window of the loop over the first, over 0.8. The interval is that of the loops."""
    looped = [
        row for row in figures.rows(evidence, quant=QUANT, workload="chat.v1", where=figures.plain)
        if any(launch.sustained for launch in row.entry.launches)
        and metrics.may_show_speed(row.entry)
    ]  # fmt: skip
    if not looped:
        return figures.NOTHING
    row = max(looped, key=_looped_s)
    if is_contended(row.entry):
        return figures.Compared(None, 0, ("contended",))
    summary = metrics.summarize(row.entry).sustained
    course = summary.decode if summary else None
    if course is None or course.low is None or course.high is None:
        return figures.Compared(None, 0, ("too_few_blocks",))
    degrees = max(2.0, float(min(course.first_loops, course.last_loops) - 1))
    error = math.log(course.high / course.low) / 2 / stats.t_quantile(degrees)
    ratio = LogRatio(math.log(course.last_over_first / SUSTAINED), error, degrees)
    return figures.Compared(ratio, course.first_loops + course.last_loops, ())


def _looped_s(row: Row) -> float:
    return max((ln.sustained.asked_s for ln in row.entry.launches if ln.sustained), default=0.0)


def _sustained_endpoint(evidence: Evidence) -> Endpoint:
    return decide.of_compared(
        "sustained",
        f"Is the last minute of a long run at least {SUSTAINED:.0%} as fast as the first "
        "(over that limit)?",
        _sustained(evidence),
        MARGINS["sustained"],
        primary=False,
    )


def _comfortable(evidence: Evidence) -> Endpoint:
    rows = _rows(evidence, SMALL)
    return decide.of_compared(
        "comfortable",
        "Is a token there within 100 ms (limit over measured)?",
        figures.level(figures.figures(rows, metrics.decode_tok_s), 1 / COMFORTABLE_S),
        MARGINS["comfortable"],
        primary=False,
    )


def _chinese(evidence: Evidence) -> Endpoint:
    """Tokenizers made for English spend more than a token on a Chinese character."""
    counted = [point.values for _, _, point in evidence.points("token-counts")]
    tokens = sum(each.get("tokens") or 0.0 for each in counted)
    characters = sum(each.get("characters") or 0.0 for each in counted)
    speed = figures.figures(_rows(evidence, SMALL), metrics.decode_tok_s)
    per_token = characters / tokens if tokens else 0.0
    compared = figures.level(speed, CHARACTERS_S / per_token) if per_token else figures.NOTHING
    endpoint = decide.of_compared(
        "chinese",
        f"Characters of Chinese per second, over {CHARACTERS_S:g} of a slow reader.",
        compared,
        MARGINS["chinese"],
        primary=False,
    )
    said = f"A token is {per_token:.2f} Chinese characters." if per_token else ""
    return endpoint.model_copy(update={"says": said})


def plot(evidence: Evidence, figure: Any) -> str | None:
    """Every gate of every model: limit over measured, 1 is the limit."""
    from edgebench.claims.drawing import gate_map

    cells = {
        model: {gate.name: gate.compared.found for gate in gates(evidence, model)}
        for model in MODELS
    }
    if not any(found for each in cells.values() for found in each.values()):
        return "Nothing to draw: no gate was measured."
    gate_map(figure, cells)
    return None


CLAIM = Claim(
    id="edge-usable",
    version=1,
    title="Models run usefully on phones, laptops and edge nodes as they are",
    quotes=(
        Quote(
            document="002_8784da2637a6b130.txt",
            original="假设 LLM 要部署到手机上，或者 LLM 要部署到边缘计算",  # noqa: RUF001 - verbatim
            english="suppose LLMs are deployed to phones or edge computing",
        ),
        Quote(
            document="002_8784da2637a6b130.txt",
            original="这里会涉及到很多设备和容器需要重做",
            english="many devices and containers must be redone",
        ),
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="分布到各个边缘节点",
            english="distribute it to every edge node",
        ),
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="在他的 Mac 上 Run 起来了",
            english="had it running on his Mac",
        ),
    ),
    hypothesis="For each class of device there is a largest model (135M to 3B here) that passes "
    "every gate with the device and the software unmodified.",
    rule="smollm2-135m in Q4_0 on a chat turn: peak memory at most half of the machine's, first "
    "token of a 256-token prompt within 2 s, 200 ms per token, and the last minute of a long run "
    "at least 0.8 times as fast as the first. Supported when every gate's whole 95 % interval "
    "passes, refuted when one gate's whole interval fails; then 'must be redone' is refuted or "
    "supported for this device. Larger shapes, with synthetic weights and without the long run, "
    "show where it ends and decide nothing.",
    needs=(
        Cells(quants=(QUANT,), workloads=("chat.v1",), launches={"smoke": 3, "full": 5}),
        Cells(quants=(QUANT,), workloads=("command.v1", "rag.v1"),
              launches={"smoke": 2, "full": 3}),
        *(Cells(quants=(QUANT,), workloads=("pp256+tg64",), model=model, weights="synthetic",
                launches={"smoke": 3, "full": 3}) for model in MODELS[1:3]),
        Cells(quants=(QUANT,), workloads=("pp256+tg64",), model=MODELS[3], weights="synthetic",
              launches={"full": 2}),
        Trying("token-counts", blocks={"smoke": 1, "full": 1}),
        Cells(quants=(QUANT,), workloads=("chat.v1",), sustain_s=120.0, launches={"smoke": 1}),
        Cells(quants=(QUANT,), workloads=("chat.v1",), sustain_s=360.0, launches={"full": 1}),
    ),
    margins=MARGINS,
    judge=judge,
    plot=plot,
    out_of_reach=(
        "Glasses, earphones and new ways to interact, and what business there is in them.",
        "Whether an app on a phone reaches what a shell on it reaches: published figures differ "
        "by half.",
    ),
    others_would_add="A phone through Termux, Raspberry Pi 4 and 5, an Intel N100, an Apple "
    "M-series, a Jetson: this machine has no thermal limit that a passively cooled one has.",
)  # fmt: skip
