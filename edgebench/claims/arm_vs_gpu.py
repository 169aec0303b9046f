"""A few ARM CPUs reach the effect of many GPUs: three readings, from the records of both kinds."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.analysis import metrics, stats
from edgebench.claims import Cells, Claim, decide, figures, per_joule
from edgebench.schema.claim import Margin, Quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from edgebench.claims import Evidence, Row
    from edgebench.claims.figures import Compared, Figures
    from edgebench.schema.claim import Endpoint, Reason

ARM = ("aarch64", "arm64")
FEW_ARMS, MANY_GPUS = 10, 2
READABLE_TOK_S = 5.0
FORMATS = ("Q4_0", "Q8_0")
MARGINS = {
    "literal": Margin(support=1.0, refute=1.0),
    "single_stream": Margin(support=4.0, refute=4.0, upward=False),
    "perceived": Margin(support=1.0, refute=1.0),
    "tokens_per_joule": Margin(support=1.0, refute=1.0),
    "batching": Margin(support=1.5, refute=1.1),
}


class Machine(NamedTuple):
    """One device of a class: one stream, its best number of streams, and tokens per joule."""

    id: str
    single: Figures
    batched: Figures
    per_joule: Mapping[per_joule.Told, Figures] = MappingProxyType({})


def judge(evidence: Evidence) -> tuple[Endpoint, ...]:
    """Of one device: what it contributes, and what is missing beside it."""
    reasons = missing(evidence)
    questions = _questions()
    found = [
        decide.empty(name, question, MARGINS[name], reasons, primary=name == "literal")
        for name, question in questions.items()
    ]
    batched = [_batching(evidence, quant) for quant in FORMATS]
    return (*found, *batched)


def pool(evidence: Evidence) -> tuple[Endpoint, ...]:
    """Of everybody: ARM CPUs against GPUs, both running the same file."""
    arms, gpus = machines(evidence, arm=True), machines(evidence, arm=False)
    if not arms or not gpus:
        return tuple(each.model_copy(update={"scope": "all"}) for each in judge(evidence)[:4])
    arm, gpu = _middle(arms), _middle(gpus)
    says = f"{arm.id} against {gpu.id}, the middle ones of {len(arms)} and {len(gpus)}."
    literal = scaled(_sessions(gpu.batched, arm.batched), FEW_ARMS / MANY_GPUS)
    compared = {
        "literal": literal,
        "single_stream": _sessions(arm.single, gpu.single),
        "perceived": figures.level(arm.single, READABLE_TOK_S),
    }
    found = [_all(name, compared[name], says) for name in compared]
    return (*found, _joules(arms, gpus))


def _joules(arms: Sequence[Machine], gpus: Sequence[Machine]) -> Endpoint:
    """Of devices whose joules were told the same way, of the same scope: else nothing compares."""
    told = {way for each in arms for way in each.per_joule}
    shared = sorted(told & {way for each in gpus for way in each.per_joule})
    if not shared:
        return _all("tokens_per_joule", figures.Compared(None, 0, ("no_meter",)), "")
    way = shared[0]
    arm, gpu = (_middle([each for each in side if way in each.per_joule]) for side in (arms, gpus))
    says = f"{arm.id} against {gpu.id}, both by {way[0]} of the {way[1]}."
    compared = _sessions(gpu.per_joule[way], arm.per_joule[way])
    return _all("tokens_per_joule", compared, says)


def _sessions(base: Figures, head: Figures) -> Compared:
    """Two devices were never launched in the same rounds."""
    blocks = min(len(base.by_block), len(head.by_block))
    found = stats.unpaired(base.values, head.values)
    reasons = () if found else figures.why_few(blocks, base.contended + head.contended)
    return figures.Compared(found, blocks, reasons, paired=False)


def scaled(compared: Compared, factor: float) -> Compared:
    """The ratio times a number of devices."""
    if compared.found is None:
        return compared
    shifted = compared.found._replace(estimate=compared.found.estimate + math.log(factor))
    return compared._replace(found=shifted)


def missing(evidence: Evidence) -> tuple[Reason, ...]:
    found: list[Reason] = []
    if not machines(evidence, arm=True):
        found.append("no_arm_device")
    if not machines(evidence, arm=False):
        found.append("no_gpu_device")
    return tuple(found) or ("not_measured",)


def machines(evidence: Evidence, *, arm: bool) -> list[Machine]:
    """Devices of the class with decode speeds of the one model: ARM CPUs, or GPUs."""
    groups: dict[str, list[Row]] = {}
    for row in figures.rows(evidence, device="cpu" if arm else "cuda", where=_is_decode):
        device = row.result.device
        if device.emulated is not None or row.file.quant not in FORMATS:
            continue
        if not arm:
            groups.setdefault(f"{device.id} {', '.join(device.gpus)}".strip(), []).append(row)
        elif device.architecture in ARM:
            groups.setdefault(device.id, []).append(row)
    found = (_machine(name, rows) for name, rows in sorted(groups.items()))
    return [each for each in found if each.single.by_block]


def _machine(name: str, rows: Sequence[Row]) -> Machine:
    """At the number of streams, and of threads, that is fastest."""
    alone = [row for row in rows if row.entry.cell.workload.sequences == 1]
    return Machine(name, _fastest(alone), _fastest(rows), per_joule.decode(rows))


def _fastest(rows: Sequence[Row]) -> Figures:
    each = [figures.figures([row], metrics.decode_tok_s) for row in rows]
    return max(each, key=figures.centre, default=figures.Figures({}))


def _middle(found: Sequence[Machine]) -> Machine:
    """By batched throughput; of an even number the slower of the two."""
    ranked = sorted(found, key=lambda each: (figures.centre(each.batched), each.id))
    return ranked[(len(ranked) - 1) // 2]


def _is_decode(row: Row) -> bool:
    workload = row.entry.cell.workload
    return bool(workload.output_tokens) and not workload.prompt_tokens and figures.plain(row)


def _batching(evidence: Evidence, quant: str) -> Endpoint:
    """What many streams gain this CPU over one."""
    rows = figures.rows(evidence, quant=quant, where=_is_decode)
    alone = [row for row in rows if row.entry.cell.workload.sequences == 1]
    many = [row for row in rows if row.entry.cell.workload.sequences > 1]
    base, head = _fastest(alone), _fastest(many)
    return decide.of_compared(
        f"batching_{quant.lower()}",
        f"{quant}: tokens per second of many streams together over one.",
        figures.compare(base, head),
        MARGINS["batching"],
        primary=False,
    )


def _all(name: str, compared: Compared, says: str) -> Endpoint:
    endpoint = decide.of_compared(
        name, _questions()[name], compared, MARGINS[name], primary=name == "literal"
    )
    return endpoint.model_copy(update={"scope": "all", "says": says})


def _questions() -> dict[str, str]:
    return {
        "literal": f"Do {FEW_ARMS} ARM CPUs make as many tokens per second as {MANY_GPUS} GPUs, "
        "each at its best number of streams?",
        "single_stream": "How many ARM CPUs is a GPU worth on a single stream?",
        "perceived": f"Is a single stream on the ARM CPU readable ({READABLE_TOK_S:g} tokens/s)?",
        "tokens_per_joule": "Tokens per joule of the ARM CPU over those of the GPU.",
    }


def plot(evidence: Evidence, figure: Any) -> str | None:
    """Single-stream and best batched decode of every device."""
    from edgebench.claims.drawing import bars

    found = [*machines(evidence, arm=True), *machines(evidence, arm=False), *_others(evidence)]
    if not found:
        return "Nothing to draw: no decode speeds."
    bars(
        figure,
        {
            "one stream": [(each.id, each.single) for each in found],
            "best batch": [(each.id, each.batched) for each in found],
        },
        "tokens/s",
    )
    return None


def _others(evidence: Evidence) -> Iterator[Machine]:
    """CPUs that are not ARM, for scale."""
    groups: dict[str, list[Row]] = {}
    for row in figures.rows(evidence, where=_is_decode):
        device = row.result.device
        if device.architecture not in ARM and row.file.quant in FORMATS:
            groups.setdefault(device.id, []).append(row)
    yield from (_machine(f"{name} (no ARM)", rows) for name, rows in sorted(groups.items()))


CLAIM = Claim(
    id="arm-vs-gpu",
    version=1,
    title="A few ARM CPUs reach the effect of many GPUs",
    quotes=(
        Quote(
            document="002_8784da2637a6b130.txt",
            original="利用少量的ARM CPU 就可以达成大量 GPU 的效果",
            english="with a small number of ARM CPUs the effect of a large number of GPUs can be "
            "reached",
        ),
    ),
    hypothesis="Three readings: a user notices no difference; a GPU is worth at most 4 ARM CPUs on "
    "a single stream; and, taken literally, 10 ARM CPUs make as many tokens per second as 2 GPUs.",
    rule="The literal reading decides: 10 times the batched decode speed of an ARM CPU over twice "
    "that of a GPU, each at its best number of streams and both running the same model; supported "
    "when the whole 95 % interval is at least 1, refuted when it is below 1. Beside it: single "
    "stream (at most 4 supports), perceived effect (5 tokens/s), tokens per joule. Of several "
    "devices of a class the middle one stands for it. Without records of both kinds nothing is "
    "decided.",
    needs=(
        Cells(quants=FORMATS, workloads=("tg32", "tg32@s4", "tg32@s16"),
              launches={"smoke": 3, "full": 4}),
        Cells(quants=FORMATS, workloads=("tg32@s32",), launches={"full": 3}),
        Cells(quants=FORMATS, workloads=("tg32", "tg32@s4", "tg32@s16", "tg32@s32"),
              devices=("cuda",), launches={"smoke": 3, "full": 5}),
    ),
    margins=MARGINS,
    judge=judge,
    pool=pool,
    plot=plot,
    out_of_reach=(
        "What the speaker meant by effect, and whether training was part of it.",
    ),
    others_would_add="Everything: a Raspberry Pi 5, a Graviton or Ampere server, an Apple "
    "M-series, a phone; and a T4, RTX 3060 or 4090, A100 or H100, each running the same file.",
)  # fmt: skip
