"""Models run usefully on the device as it is: memory, time to the first token, time per token, and
whether it lasts; with a busy neighbour, and from a cold start.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from edgebench.analysis import metrics, stats, sustained
from edgebench.claims import Cells, Claim, Trying, decide, edge_gates, figures
from edgebench.claims.edge_gates import (
    CONDITIONS,
    LONGEST_WAIT_S,
    PER_TOKEN_S,
    QUANT,
    SMALL,
    SUSTAINED,
    gates,
)
from edgebench.schema.claim import Margin, Quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgebench.claims import Evidence
    from edgebench.claims.edge_gates import Gate
    from edgebench.claims.figures import Compared
    from edgebench.schema.claim import Endpoint, Reason

MODELS = (SMALL, "smollm2-360m", "tinyllama", "llama-3.2-3b")
COMFORTABLE_S = 0.1
CHARACTERS_S = 5.0
# The worst gate's limit over what was measured: 1 is the limit itself.
LIMIT = Margin(support=1.0, refute=1.0)
MARGINS = {
    "usable": LIMIT,
    "redone": Margin(support=1.0, refute=1.0, upward=False),
    "other_scenario": LIMIT,
    "busy_neighbour": LIMIT,
    "cold_start": LIMIT,
    "token_p95": LIMIT,
    "comfortable": LIMIT,
    "sustained": LIMIT,
    "chinese": LIMIT,
}


def judge(evidence: Evidence) -> tuple[Endpoint, ...]:
    """The small model with every gate decides; what else is asked of it, and larger ones, show
    where it ends.
    """
    return (
        *(_usable(evidence, model) for model in MODELS),
        _redone(evidence),
        _sustained_endpoint(evidence),
        *_other_scenarios(evidence),
        *_conditions(evidence),
        _beside("token_p95", "Is the slowest token in twenty there within 200 ms?",
                edge_gates.token_p95(evidence)),
        _comfortable(evidence),
        _chinese(evidence),
    )  # fmt: skip


def _usable(evidence: Evidence, model: str) -> Endpoint:
    """By the gate that binds."""
    name = f"usable_{model.replace('-', '_').replace('.', '_')}"
    question = (
        f"Does {model} {QUANT} pass every gate (the worst gate's limit over what was measured)?"
    )
    found = gates(evidence, model)
    made = _of_gates(name, question, found, MARGINS["usable"], primary=model == SMALL)
    lasting = "" if model == SMALL else " Not tried for long."
    return made.model_copy(update={"says": f"{model}: {made.says}{lasting}"})


def _of_gates(
    name: str, question: str, found: Sequence[Gate], margin: Margin, *, primary: bool = False
) -> Endpoint:
    """Nothing is concluded from the gates that are known while one is not, unless one fails."""
    binding = edge_gates.binding(found)
    unknown = [gate for gate in found if gate.compared.found is None]
    reasons: tuple[Reason, ...] = ()
    if unknown and not edge_gates.fails(binding):
        reasons = unknown[0].compared.reasons or ("not_measured",)
    made = decide.of_compared(
        name, question, binding.compared, margin, primary=primary, reasons=reasons
    )
    if len(unknown) == len(found):
        return made.model_copy(update={"says": "no gate was measured."})
    missing = f" Not known: {unknown[0].name}." if unknown else ""
    return made.model_copy(update={"says": f"the gate that binds is {binding.name}.{missing}"})


def _redone(evidence: Evidence) -> Endpoint:
    """The document's own sentence: refuted where the model passes with nothing changed."""
    made = _of_gates(
        "must_be_redone",
        f"Must this device be redone for {SMALL} (the worst gate's limit over what was measured)?",
        gates(evidence, SMALL),
        MARGINS["redone"],
    )
    passed = [m for m in MODELS if edge_gates.lower(edge_gates.binding(gates(evidence, m))) >= 1
              and all(gate.compared.found for gate in gates(evidence, m))]  # fmt: skip
    says = f"The largest model that passes unmodified: {passed[-1]}." if passed else ""
    return made.model_copy(update={"says": says})


def _other_scenarios(evidence: Evidence) -> Iterator[Endpoint]:
    """A short command must come as fast as a chat; 1,024 tokens of context may take longer."""
    for name, limit in (("command", edge_gates.FIRST_TOKEN_S), ("rag", LONGEST_WAIT_S)):
        yield _of_gates(
            f"usable_{name}",
            f"Does {SMALL} pass in {name}.v1: first token within {limit:g} s, 200 ms per token?",
            edge_gates.of_scenario(evidence, f"{name}.v1", limit),
            MARGINS["other_scenario"],
        )


def _conditions(evidence: Evidence) -> Iterator[Endpoint]:
    quiet, busy = (
        figures.of_points(evidence, CONDITIONS, "token_s", where=lambda c, s=state: c["state"] == s)  # type: ignore[misc]
        for state in ("quiet", "busy")
    )
    slower = figures.compare(quiet, busy).found
    made = _of_gates(
        "busy_neighbour",
        "Does a chat turn pass while another process keeps one core busy?",
        edge_gates.of_condition(evidence, "busy"),
        MARGINS["busy_neighbour"],
    )
    more = f" A token takes {_times(slower.estimate)} times as long." if slower else ""
    yield made.model_copy(update={"says": made.says + more})
    yield _beside("cold_start", f"From opening the file, which is on the disk alone, is the first "
                  f"token of 256 there within {LONGEST_WAIT_S:g} s?",
                  edge_gates.cold_start(evidence).compared)  # fmt: skip


def _times(log: float) -> str:
    return f"{math.exp(log):.2g}"


def _beside(name: str, question: str, compared: Compared) -> Endpoint:
    return decide.of_compared(name, question, compared, MARGINS[name], primary=False)


def _sustained_endpoint(evidence: Evidence) -> Endpoint:
    made = decide.of_compared(
        "sustained",
        f"Is the last minute of a long run at least {SUSTAINED:.0%} as fast as the first "
        "(over that limit)?",
        edge_gates.sustained(evidence),
        MARGINS["sustained"],
        primary=False,
    )
    row = edge_gates.looped(evidence)
    waits = [
        wait
        for launch in (row.entry.launches if row else ())
        if launch.sustained and row
        for each in sustained.loops(launch.sustained)
        if (wait := metrics.time_to_first_token_s(each, row.entry.cell.workload))
    ]
    p95 = stats.quantile(waits, 0.95)
    says = f"Of {len(waits)} first tokens 95 % came within {p95:.2f} s." if p95 else ""
    return made.model_copy(update={"says": says})


def _comfortable(evidence: Evidence) -> Endpoint:
    speed = figures.figures(edge_gates.rows(evidence, SMALL), metrics.decode_tok_s)
    question = "Is a token there within 100 ms (limit over measured)?"
    made = _beside("comfortable", question, figures.level(speed, 1 / COMFORTABLE_S))
    if made.estimate is None:
        return made
    reading = made.estimate * PER_TOKEN_S / COMFORTABLE_S
    return made.model_copy(update={"says": f"{reading:.3g} times as fast as English is read."})


def _chinese(evidence: Evidence) -> Endpoint:
    """Tokenizers made for English spend more than a token on a Chinese character."""
    counted = [point.values for _, _, point in evidence.points("token-counts")]
    tokens = sum(each.get("tokens") or 0.0 for each in counted)
    characters = sum(each.get("characters") or 0.0 for each in counted)
    speed = figures.figures(edge_gates.rows(evidence, SMALL), metrics.decode_tok_s)
    per_token = characters / tokens if tokens else 0.0
    compared = figures.level(speed, CHARACTERS_S / per_token) if per_token else figures.NOTHING
    question = f"Characters of Chinese per second, over {CHARACTERS_S:g} of a slow reader."
    made = _beside("chinese", question, compared)
    said = f"A token is {per_token:.2f} Chinese characters" if per_token else ""
    if made.estimate is not None:
        said += f": {made.estimate * CHARACTERS_S:.0f} characters a second"
    return made.model_copy(update={"says": f"{said}." if said else ""})


def plot(evidence: Evidence, figure: Any) -> str | None:
    """Every gate of every model: limit over measured, 1 is the limit. Beside it the long run."""
    from edgebench.claims.drawing import COLOURS, gate_map

    cells = {
        model: {gate.name: gate.compared.found for gate in gates(evidence, model)}
        for model in MODELS
    }
    if not any(found for each in cells.values() for found in each.values()):
        return "Nothing to draw: no gate was measured."
    row = edge_gates.looped(evidence)
    if row is None:
        gate_map(figure.subplots(), cells)
        return None
    left, right = figure.subplots(1, 2, width_ratios=(5, 3))
    gate_map(left, cells)
    for minutes, tok_s in edge_gates.courses(row):
        right.plot(minutes, tok_s, color=COLOURS[0], linewidth=0.8)
    right.set(xlabel="minutes", ylabel="decode, tokens/s, loop by loop", ylim=(0, None))
    return None


CLAIM = Claim(
    id="edge-usable",
    version=2,
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
    "show where it ends and decide nothing. So do the small model's other tests: a command of 64 "
    "tokens and a text of 1,024 (first token within 2 and 10 s), a neighbour that keeps one core "
    "busy (2 s and 200 ms), a cold start (10 s to the first token), the slowest token in twenty "
    "(200 ms), 100 ms per token, and Chinese at 5 characters per second.",
    needs=(
        Cells(quants=(QUANT,), workloads=("chat.v1",), launches={"smoke": 3, "full": 5}),
        Cells(quants=(QUANT,), workloads=("command.v1", "rag.v1"),
              launches={"smoke": 2, "full": 3}),
        *(Cells(quants=(QUANT,), workloads=("pp256+tg64",), model=model, weights="synthetic",
                launches={"smoke": 3, "full": 3}) for model in MODELS[1:3]),
        Cells(quants=(QUANT,), workloads=("pp256+tg64",), model=MODELS[3], weights="synthetic",
              launches={"full": 2}),
        Trying("token-counts", blocks={"smoke": 1, "full": 1}),
        Trying(CONDITIONS, blocks={"smoke": 3, "full": 6}),
        Cells(quants=(QUANT,), workloads=("chat.v1",), sustain_s=120.0, launches={"smoke": 1}),
        Cells(quants=(QUANT,), workloads=("chat.v1",), sustain_s=600.0, launches={"full": 1}),
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
