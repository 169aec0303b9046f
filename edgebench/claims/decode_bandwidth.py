"""Memory bandwidth is the limit of decode, and the lever: how much of it decode uses on models far
larger than caches, and what happens when neighbours take some of it away.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from edgebench.analysis import ceilings, metrics
from edgebench.claims import Cells, Claim, Trying, decide, figures, means
from edgebench.schema.claim import Margin, Quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.claims import Evidence, Row
    from edgebench.claims.figures import Block, Figures
    from edgebench.schema.claim import Endpoint, Reason

KIND = "bandwidth-hog"
SMALL, LARGE = ("smollm2-135m", "smollm2-360m"), "tinyllama"
# A hog that takes less than this share of what one thread reads is no lever.
LEAST_LEVER = 0.05
# And launches at level full: one thread is for the plot, what is judged is read at all of them.
THREADS: tuple[tuple[tuple[int | Literal["auto"], ...], int], ...] = (((1,), 2), (("auto",), 4))
MARGINS = {
    "mbu": Margin(support=0.5, refute=0.3),
    "elasticity": Margin(support=0.5, refute=0.2),
    "byte_share": Margin(support=0.7, refute=0.5),
    "small_elasticity": Margin(support=0.5, refute=0.2),
}


def judge(evidence: Evidence) -> tuple[Endpoint, ...]:
    """Bandwidth used by the largest model, and the elasticity of its speed; others beside them."""
    return (
        _mbu(evidence),
        _elasticity(evidence, LARGE, "elasticity", primary=True),
        _byte_share(evidence),
        _elasticity(evidence, SMALL[0], "small_elasticity", primary=False),
    )


def measured(evidence: Evidence) -> list[Row]:
    """Plain decode cells of one sequence without depth, with a ceiling for their threads."""
    return [
        row
        for row in evidence.rows()
        if row.entry.cell.backend == "llama.cpp"
        and row.entry.cell.device == "cpu"
        and figures.plain(row)
        and not row.entry.cell.workload.prompt_tokens
        and not row.entry.cell.workload.depth_tokens
        and row.entry.cell.workload.sequences == 1
        and row.entry.cell.isa == _best(row)
        and ceiling_bytes_s(row)
        and row.file.shape is not None
        and any(launch.trials for launch in row.entry.launches)
    ]


def ceiling_bytes_s(row: Row) -> float | None:
    """What as many threads read per second on that machine, as it was measured there."""
    known = row.result.device.ceilings
    return ceilings.read_bytes_s(known, row.entry.cell.threads) if known else None


def used(row: Row) -> Figures:
    """Bandwidth utilisation of each launch: bytes per token times tokens per second, over it."""
    shape, ceiling = row.file.shape, ceiling_bytes_s(row)
    if shape is None or ceiling is None:
        return figures.Figures({})
    read = ceilings.decode_read_bytes_per_token(row.file, shape, row.entry.cell)
    found = figures.figures([row], metrics.decode_tok_s)
    shares = {block: value * read / ceiling for block, value in found.by_block.items()}
    return found._replace(by_block=shares)


def _best(row: Row) -> str:
    """Weaker instruction sets leave bandwidth unused for reasons of their own."""
    from edgebench.claims.isa_speedup import STEPS

    isas = [each.cell.isa for each in row.result.cells if each.cell.backend == "llama.cpp"]
    return max(isas, key=lambda isa: STEPS.index(isa) if isa in STEPS else len(STEPS))


def _read_bytes(row: Row) -> float:
    shape = row.file.shape
    return ceilings.decode_read_bytes_per_token(row.file, shape, row.entry.cell) if shape else 0.0


def _mbu(evidence: Evidence) -> Endpoint:
    chosen = measured(evidence)
    most = max((row.entry.cell.threads for row in chosen), default=0)
    chosen = [row for row in chosen if row.entry.cell.threads == most]
    largest = max(chosen, key=_read_bytes, default=None)
    name, question = (
        "mbu",
        "What share of the measured read bandwidth does decode of the largest model use?",
    )
    if largest is None:
        return decide.empty(name, question, MARGINS[name], ("not_measured",), unit="share")
    same = [r for r in chosen if r.entry.cell.id == largest.entry.cell.id]
    found = _merged([used(row) for row in same])
    resident = ceilings.in_cache(largest.file, "llama.cpp", largest.result.device)
    reasons: tuple[Reason, ...] = ("cache_resident",) if resident else ()
    endpoint = decide.of_compared(
        name, question, figures.level(found), MARGINS[name], unit="share", reasons=reasons
    )
    label = f"{largest.file.model} {largest.file.quant}, {most} thread(s)"
    return endpoint.model_copy(update={"says": f"{label}."})


def _merged(found: Sequence[Figures]) -> Figures:
    blocks: dict[Block, float] = {}
    for each in found:
        blocks |= each.by_block
    return figures.Figures(blocks, sum(each.contended for each in found))


def _elasticity(evidence: Evidence, model: str, name: str, *, primary: bool) -> Endpoint:
    """d ln(tok/s) / d ln(bandwidth), block by block."""

    def of(what: str, value: str, hogged: bool) -> Figures:
        return figures.of_points(
            evidence,
            KIND,
            value,
            where=lambda c: (
                c.get("what") == what
                and (what == "read" or c.get("model") == model)
                and bool(c.get("hogs")) == hogged
            ),
        )

    sides = [of(what, value, hogged) for hogged in (False, True)
             for what, value in (("read", "read_bytes_s"), ("decode", "tok_s"))]  # fmt: skip
    blocks = sorted(set.intersection(*(set(side.by_block) for side in sides)))
    values = []
    for block in blocks:
        read, decoded, read_less, decoded_less = (math.log(side.by_block[block]) for side in sides)
        if read - read_less > LEAST_LEVER:
            values.append((decoded - decoded_less) / (read - read_less))
    lost = sum(side.contended for side in sides)
    return means.of_values(
        name,
        f"How much of a loss of bandwidth does decode of {model} feel (1: all of it)?",
        values,
        MARGINS[name],
        primary=primary,
        unit="elasticity",
        reasons=() if len(values) > 1 else figures.why_few(len(values), lost),
    )


def _byte_share(evidence: Evidence) -> Endpoint:
    """Of the time per token of the largest model, the part that grows with bytes: t = t0 + b / B
    fitted over the models of each block that has the largest one.
    """
    chosen = measured(evidence)
    most = max((row.entry.cell.threads for row in chosen), default=0)
    by_block: dict[Block, dict[float, float]] = {}
    for row in (r for r in chosen if r.entry.cell.threads == most):
        for block, tok_s in figures.figures([row], metrics.decode_tok_s).by_block.items():
            by_block.setdefault(block, {})[_read_bytes(row)] = 1 / tok_s
    largest = max((size for points in by_block.values() for size in points), default=0.0)
    whole = [points for points in by_block.values() if largest in points]
    values = [share for points in whole if (share := fitted_share(points)) is not None]
    return means.of_values(
        "byte_share",
        "What part of the time per token of the largest model grows with its bytes?",
        values,
        MARGINS["byte_share"],
        primary=False,
        unit="share",
    )


def fitted_share(seconds: dict[float, float]) -> float | None:
    """`seconds` per token by bytes: least squares; None below three sizes."""
    if len(seconds) < 3:
        return None
    n = len(seconds)
    mean_b, mean_s = sum(seconds) / n, sum(seconds.values()) / n
    spread = sum((b - mean_b) ** 2 for b in seconds)
    slope = sum((b - mean_b) * (s - mean_s) for b, s in seconds.items()) / spread
    start = mean_s - slope * mean_b
    largest = max(seconds)
    whole = start + slope * largest
    return slope * largest / whole if whole > 0 else None


def plot(evidence: Evidence, figure: Any) -> str | None:
    """Tokens per second against what the measured bandwidth would allow, and the 45-degree line."""
    from edgebench.claims.drawing import roofline

    points: dict[str, list[tuple[float, float]]] = {}
    for row in measured(evidence):
        ceiling, read = ceiling_bytes_s(row), _read_bytes(row)
        values = figures.figures([row], metrics.decode_tok_s).values
        if ceiling and read and values:
            label = f"{row.file.model}, {row.entry.cell.threads}t"
            typical = math.exp(sum(map(math.log, values)) / len(values))
            points.setdefault(label, []).append((ceiling / read, typical))
    if not points:
        return "Nothing to draw: no decode speed beside a measured bandwidth."
    roofline(figure, points)
    return None


CLAIM = Claim(
    id="decode-bandwidth",
    version=1,
    title="Memory bandwidth is the limit, and the lever",
    quotes=(
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="靠硬件带宽至少再有 10 倍的性能提升问题不是特别大",
            english="by hardware bandwidth at least another 10x in performance is not a big "
            "problem",
        ),
        Quote(
            document="004_f86da736e1b9c80f.txt",
            original="存储、传输和计算三个叠加",
            english="storage, transfer and compute stacked together",
        ),
    ),
    hypothesis="The time of a decode step is a constant plus bytes over bandwidth, with the bytes "
    "at least 70 % of it for models at least four times as large as the last-level cache; decode "
    "uses at least half of the bandwidth that was measured, and loses speed when it loses "
    "bandwidth.",
    rule="On the largest model in memory, at all threads: utilisation of the measured read "
    "bandwidth, supported when the whole 95 % interval is at least 0.5, refuted when it is below "
    "0.3; and elasticity d ln(tok/s) / d ln(bandwidth) with and without neighbours that read "
    "memory, supported from 0.5, refuted below 0.2. Both support, or one refutes. The share of "
    "the byte term (0.7, 0.5) and the 135M model are shown beside them and decide nothing: it "
    "sits near the overhead floor.",
    needs=(
        *(Cells(quants=("Q8_0", "Q4_0"), workloads=("tg32",), threads=threads,
                launches={"smoke": 3, "full": full}) for threads, full in THREADS),
        *(Cells(quants=("Q8_0", "Q4_0"), workloads=("tg32",), threads=threads, model=model,
                weights="synthetic", launches={"smoke": 3, "full": full})
          for model in (SMALL[1], LARGE, "llama-68m") for threads, full in THREADS),
        *(Cells(quants=("F16",), workloads=("tg32",), model=model, weights="synthetic",
                launches={"full": 4}) for model in (SMALL[1], LARGE)),
        Cells(quants=("Q4_0",), workloads=("tg32",), model="llama-3.2-3b",
              weights="synthetic", launches={"full": 4}),
        Trying(KIND, blocks={"smoke": 4, "full": 6}),
    ),
    margins=MARGINS,
    judge=judge,
    plot=plot,
    ceilings=True,
    out_of_reach=(
        "Memory that does not exist yet (3D stacking, CXL), and when it will: what is tested is "
        "how decode answers to the bandwidth that a machine has.",
    ),
    others_would_add="The more machines the better: a regression of tokens/s on GB/s over Apple "
    "M-series, Raspberry Pi and server CPUs is stronger evidence than any one of them.",
)  # fmt: skip
