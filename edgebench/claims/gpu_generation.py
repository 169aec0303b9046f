"""One GPU generation over the last: is an H100 3 to 5 times an A100?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.analysis import metrics, stats
from edgebench.claims import Cells, Claim, decide, figures
from edgebench.schema.claim import Margin, Quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.claims import Evidence, Row
    from edgebench.claims.figures import Compared
    from edgebench.schema.claim import Endpoint, Reason

OLD, NEW = "A100", "H100"
BATCHED = "tg128@s32"
MARGIN = Margin(support=3.0, refute=5.0, band=True)
MARGINS = {"generation": MARGIN}
REGIMES = {
    "prefill": ("pp512", metrics.prefill_tok_s),
    "decode": ("tg128", metrics.decode_tok_s),
    "batched_decode": (BATCHED, metrics.decode_tok_s),
}


def judge(evidence: Evidence) -> tuple[Endpoint, ...]:
    """One device has no generation to be compared with: it gives its row."""
    has_gpu = bool(_rows(evidence))
    reasons: tuple[Reason, ...] = ("too_few_devices",) if has_gpu else ("no_gpu_device",)
    return tuple(
        decide.empty(name, _question(name), MARGIN, reasons, primary=True) for name in REGIMES
    )


def pool(evidence: Evidence) -> tuple[Endpoint, ...]:
    """H100 over A100, by regime, over the largest file that both ran."""
    found = []
    for name in REGIMES:
        compared, label = ratio(evidence, name, OLD, NEW)
        endpoint = decide.of_compared(name, _question(name), compared, MARGIN)
        found.append(endpoint.model_copy(update={"scope": "all", "says": label}))
    return tuple(found)


def ratio(evidence: Evidence, regime: str, old: str, new: str) -> tuple[Compared, str]:
    """New over old with the same file and workload; sessions are not paired (Welch)."""
    workload, metric = REGIMES[regime]
    chosen = [row for row in _rows(evidence) if row.entry.cell.workload.name == workload]
    sides = [[row for row in chosen if _is(row, name)] for name in (old, new)]
    shared = {row.file.sha256: row.file for row in sides[0]}
    both = [row.file for row in sides[1] if row.file.sha256 in shared]
    if not both:
        reason: Reason = "too_few_devices" if _rows(evidence) else "no_gpu_device"
        return figures.Compared(None, 0, (reason,)), ""
    largest = max(both, key=lambda file: (file.size_bytes, file.sha256))
    one, two = (
        figures.figures([row for row in side if row.file.sha256 == largest.sha256], metric).values
        for side in sides
    )
    blocks = min(len(one), len(two))
    if blocks < figures.FEWEST_BLOCKS:
        return figures.Compared(None, blocks, ("too_few_blocks",)), ""
    label = f"{largest.model or largest.name} {largest.quant}, {workload}."
    return figures.Compared(stats.unpaired(one, two), blocks, (), paired=False), label


def _rows(evidence: Evidence) -> list[Row]:
    return [
        row
        for weights in ("real", "synthetic")
        for row in figures.rows(evidence, model=None, weights=weights, device="cuda")
    ]


def _is(row: Row, name: str) -> bool:
    """By the name that the driver gives the first GPU; an H200 or GH200 is neither."""
    gpus = row.result.device.gpus
    return bool(gpus) and name in gpus[0].upper().replace("-", " ").split()


def _question(name: str) -> str:
    return f"Is {name.replace('_', ' ')} on an {NEW} 3 to 5 times that on an {OLD}?"


def plot(evidence: Evidence, figure: Any) -> str | None:
    """The ratio by regime, with the band of the claim."""
    from edgebench.claims.drawing import COLOURS

    known: Sequence[tuple[str, Any]] = [
        (name, compared.found)
        for name in REGIMES
        if (compared := ratio(evidence, name, OLD, NEW)[0]).found
    ]
    if not known:
        return f"Nothing to draw: it takes records of an {OLD} and of an {NEW}."
    axis = figure.subplots()
    axis.axhspan(3, 5, alpha=0.15, color="black")
    for place, (name, found) in enumerate(known):
        low, high = found.bounds()
        axis.plot([place, place], [low, high], color=COLOURS[0], marker="_", label=name)
    axis.set_xticks(range(len(known)), [name for name, _ in known])
    axis.set_ylabel(f"{NEW} over {OLD}")
    return None


CLAIM = Claim(
    id="gpu-generation",
    version=1,
    title="An H100 is 3 to 5 times an A100",
    quotes=(
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="相对 A100 提升 3-5 倍",
            english="(even with H100 compute) rises 3-5 times over A100",
        ),
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="H100 可以直接提高 5 倍",
            english="H100 directly gives 5 times",
        ),
    ),
    hypothesis="With the same file and llama.cpp an H100 is 3 to 5 times as fast as an A100.",
    rule="Ratio of tok/s, H100 over A100, of the largest file that both ran: prefill, decoding one "
    "stream, decoding 32. Supported when the whole 95 % interval lies within 3 to 5, refuted when "
    "it misses that range; all three regimes are primary. Other GPUs give their rows and decide "
    "nothing: no_gpu_device or too_few_devices.",
    needs=(
        Cells(quants=("Q4_0",), workloads=("pp512", "tg128", BATCHED), devices=("cuda",),
              launches={"smoke": 3, "full": 10}),
    ),
    margins=MARGINS,
    judge=judge,
    pool=pool,
    plot=plot,
    out_of_reach=(
        "Training speed, and peak petaflops.",
        "FP8 and other engines than llama.cpp, where the published gains are larger.",
    ),
    others_would_add="An A100 and an H100: two runs of `edgebench claims run gpu-generation`.",
)  # fmt: skip
