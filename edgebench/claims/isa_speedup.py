"""CPU-instruction optimisation makes the difference: the same source, weights and threads, held to
the plainest instruction set and to the best one that the CPU has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.analysis import metrics
from edgebench.claims import Cells, Claim, decide, figures
from edgebench.schema.claim import Margin, Quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgebench.claims import Evidence, Row
    from edgebench.claims.figures import Compared, Figures
    from edgebench.schema.claim import Endpoint

# The order in which llama.cpp's variants add instruction sets; tests hold it against the engine's.
STEPS = (
    "x64", "sse42", "sandybridge", "haswell", "skylakex", "icelake", "zen4", "sapphirerapids",
    "armv8.0_1", "armv8.2_1", "armv8.2_2", "armv8.2_3", "armv8.6_1", "armv8.6_2", "armv9.2_1",
    "armv9.2_2",
)  # fmt: skip
BASES = ("x64", "armv8.0_1")
AVX2, AVX512 = "haswell", "skylakex"
FORMATS = ("Q4_0", "Q8_0")
PHASES = {"prefill": metrics.prefill_tok_s, "decode": metrics.decode_tok_s}
MARGINS = {
    "prefill": Margin(support=2.0, refute=1.2),
    "decode": Margin(support=1.5, refute=1.2),
    "avx512_over_avx2": Margin(support=1.1, refute=1.05),
    "best_over_avx2": Margin(support=1.1, refute=1.05),
    "one_factor": Margin(support=1.10, refute=1.05),
}


def judge(evidence: Evidence) -> tuple[Endpoint, ...]:
    """Best over baseline per phase and format; then AVX-512, and one factor at a time."""
    found = [*_primary(evidence), *_over_avx2(evidence), *_factors(evidence)]
    return tuple(found)


def steps(evidence: Evidence, quant: str, phase: str) -> list[tuple[str, Compared]]:
    """Each measured step against the baseline, plainest first; the baseline itself is not in it."""
    chosen = _rows(evidence, quant, phase)
    present = [step for step in STEPS if any(r.entry.cell.isa == step for r in chosen)]
    if not present or present[0] not in BASES:
        return []
    return [(step, _ratio(chosen, phase, present[0], step)) for step in present[1:]]


def _primary(evidence: Evidence) -> Iterator[Endpoint]:
    for phase in PHASES:
        for quant in FORMATS:
            climbed = steps(evidence, quant, phase)
            last = climbed[-1] if climbed else None
            endpoint = decide.of_compared(
                f"{phase}_{quant.lower()}",
                f"Is {phase} of {quant} faster with the best instruction set than with the "
                "plainest?",
                last[1] if last else figures.NOTHING,
                MARGINS[phase],
            )
            says = f"{last[0]} over the plainest." if last else ""
            yield endpoint.model_copy(update={"says": says})


def _over_avx2(evidence: Evidence) -> Iterator[Endpoint]:
    """A 2023 laptop had AVX2: what came after it."""
    for name, wanted in (("avx512_over_avx2", AVX512), ("best_over_avx2", None)):
        for phase in PHASES:
            chosen = _rows(evidence, "Q4_0", phase)
            newer = wanted or figures.best_isa(chosen, STEPS) or AVX512
            found = _ratio(chosen, phase, AVX2, newer) if newer != AVX2 else figures.NOTHING
            yield decide.of_compared(
                f"{name}_{phase}",
                f"{phase} of Q4_0: {newer} over {AVX2}.",
                found,
                MARGINS[name],
                primary=False,
            )


def _factors(evidence: Evidence) -> Iterator[Endpoint]:
    """Repacking and flash attention, each with the rest held, on the best instruction set."""
    for name, label in (("repacking", "repacked weights"), ("flash_attention", "flash attention")):
        for phase in PHASES:
            chosen = _of_most_isas(figures.rows(evidence, quant="Q4_0", where=_has(phase)))
            best = figures.best_isa(chosen, STEPS)
            with_it = [row for row in chosen if row.entry.cell.isa == best and figures.plain(row)]
            without = [row for row in chosen if row.entry.cell.isa == best and _only(row, name)]
            found = _compare(without, with_it, phase)
            yield decide.of_compared(
                f"{name}_{phase}",
                f"{phase} of Q4_0 with {label} over without.",
                found,
                MARGINS["one_factor"],
                primary=False,
            )


def _only(row: Row, name: str) -> bool:
    """Whether that setting is off, and the other one on."""
    options = row.entry.cell.options
    off = {
        key for key in ("repacking", "flash_attention") if getattr(options, key) is False
    }  # fmt: skip
    return off == {name}


def _rows(evidence: Evidence, quant: str, phase: str) -> list[Row]:
    """Plain cells of one phase."""
    found = figures.rows(evidence, quant=quant, where=_has(phase))
    return _of_most_isas([row for row in found if figures.plain(row)])


def _of_most_isas(chosen: Sequence[Row]) -> list[Row]:
    """Those of the thread count that has the most instruction sets."""
    return figures.richest(chosen, lambda row: row.entry.cell.threads)


def _has(phase: str) -> Any:
    def fits(row: Row) -> bool:
        workload = row.entry.cell.workload
        alone = not (workload.prompt_tokens and workload.output_tokens)
        tokens = workload.prompt_tokens if phase == "prefill" else workload.output_tokens
        return bool(tokens) and alone and workload.sequences == 1 and not workload.depth_tokens

    return fits


def _ratio(chosen: Sequence[Row], phase: str, base: str, head: str) -> Compared:
    return _compare(
        [row for row in chosen if row.entry.cell.isa == base],
        [row for row in chosen if row.entry.cell.isa == head],
        phase,
    )


def _compare(base: Sequence[Row], head: Sequence[Row], phase: str) -> Compared:
    """Over the workload that both sides have the most blocks of; of a tie, the longest."""
    found = [
        figures.compare(*(_figures(side, phase, name) for side in (base, head)))
        for name in figures.shared_workloads(base, head)
    ]
    return max(found, key=lambda each: each.blocks, default=figures.NOTHING)


def _figures(side: Sequence[Row], phase: str, workload: str) -> Figures:
    chosen = [row for row in side if row.entry.cell.workload.name == workload]
    return figures.figures(chosen, PHASES[phase])


def plot(evidence: Evidence, figure: Any) -> str | None:
    """Log2 of the speed-up over the baseline, step by step, a panel per format."""
    from edgebench.claims.drawing import ladder

    series = {
        quant: {phase: steps(evidence, quant, phase) for phase in PHASES} for quant in FORMATS
    }
    if not any(found for phases in series.values() for found in phases.values()):
        return "Nothing to draw: no device has two instruction sets measured."
    ladder(figure, series)
    return None


CLAIM = Claim(
    id="isa-speedup",
    version=1,
    title="CPU-instruction optimisation makes the difference",
    quotes=(
        Quote(
            document="002_8784da2637a6b130.txt",
            original="通过 CPU 指令优化",
            english="through CPU-instruction optimisation",
        ),
        Quote(
            document="000_bab7ed8dc006d67b.txt",
            original="包括在芯片层的工作以及算法、模型结构和任务调度方面的优化",
            english="including work at the chip level and optimisation of algorithms, model "
            "structure and task scheduling",
        ),
        Quote(
            document="001_af783ddbabe0d091.txt",
            original="例如英偉達在芯片層的工作,以及算法、模型結構、任務調度方面的優化",
            english="e.g. Nvidia's chip work, and optimisation of algorithm, structure, scheduling",
        ),
    ),
    hypothesis="On the same CPU, with the same source, weights and threads, the best instruction "
    "set is at least 2 times as fast as the plainest (SSE2, ARMv8.0) in prefill and 1.5 times in "
    "decode.",
    rule="Per phase and format (Q4_0, Q8_0), ratio of the best instruction set over the plainest: "
    "supported when the whole 95 % interval is at least 2.0 (prefill) or 1.5 (decode), refuted "
    "when it is below 1.2. AVX-512 over AVX2, judged beside it: at least 1.1 supports, below 1.05 "
    "refutes. Repacking and flash attention alone: at least 1.10 supports, below 1.05 refutes.",
    needs=(
        Cells(quants=FORMATS, workloads=("pp128", "tg32"), isas=("sse2", "armv8.0", "avx2", "best"),
              launches={"smoke": 4}),
        Cells(quants=("Q4_0",), workloads=("pp128", "tg32"), isas=("ladder",),
              launches={"smoke": 2}),
        Cells(quants=FORMATS, workloads=("pp128", "tg64"), isas=("avx2", "best"),
              launches={"full": 6}),
        Cells(quants=FORMATS, workloads=("pp128", "tg64"), isas=("sse2", "armv8.0"),
              launches={"full": 4}),
        Cells(quants=FORMATS, workloads=("pp128", "tg64"), isas=("ladder",),
              launches={"full": 3}),
        Cells(quants=("F16", "Q4_1"), workloads=("pp64", "tg32"),
              isas=("sse2", "armv8.0", "avx2", "best"), launches={"full": 2}),
        Cells(quants=("Q4_0",), workloads=("pp64", "tg32"),
              isas=("sse2", "armv8.0", "avx2", "best"), threads=(1,), launches={"full": 2}),
        Cells(quants=("Q4_0",), workloads=("pp128", "tg64"), isas=("best",),
              repacking=(False,), launches={"full": 4}),
        Cells(quants=("Q4_0",), workloads=("pp128", "tg64"), isas=("best",),
              flash_attention=(False,), launches={"full": 4}),
    ),
    margins=MARGINS,
    judge=judge,
    plot=plot,
    out_of_reach=(
        "How much of the speed was the programmer's own work, and how much the compiler's: both "
        "sides are the same source, built for other instruction sets.",
        "Work at the chip level itself: a CPU is taken as it is.",
    ),
    others_would_add="An ARMv8.0 board (Raspberry Pi 4), one with dot products (Pi 5), one with "
    "i8mm or SVE (Graviton 3 and later), one with SME (Apple M4), and a laptop that ends at AVX2.",
)  # fmt: skip
