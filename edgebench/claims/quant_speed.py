"""How fast each weight format is beside the others. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgebench.analysis import metrics
from edgebench.claims import figures

if TYPE_CHECKING:
    from edgebench.claims import Evidence
    from edgebench.claims.figures import Compared

BASE, ORIGIN = "F16", "Q4_1"
FORMATS = ("Q8_0", "Q5_0", "Q4_0", "IQ4_NL", "Q4_1")


def speedup(evidence: Evidence, quant: str, phase: str = "decode") -> Compared:
    """That format's speed over F16's."""
    base, head = (speeds(evidence, each, phase) for each in (BASE, quant))
    return figures.compare(base, head)


def speeds(evidence: Evidence, quant: str, phase: str) -> figures.Figures:
    workload, metric = (
        ("tg64", metrics.decode_tok_s) if phase == "decode" else ("pp256", metrics.prefill_tok_s)
    )
    chosen = figures.rows(evidence, quant=quant, workload=workload, where=figures.plain)
    return figures.figures(chosen, metric)


def slower_than(evidence: Evidence, quant: str) -> list[str]:
    """Larger formats that decode surely faster: fewer bits are not always quicker."""
    sizes = {row.file.quant: row.file.size_bytes for row in figures.rows(evidence)}
    larger = [q for q in (BASE, *FORMATS) if sizes.get(q, 0) > sizes.get(quant, math.inf)]
    found = {
        q: figures.compare(speeds(evidence, q, "decode"), speeds(evidence, quant, "decode")).found
        for q in larger
    }
    return [q for q, ratio in found.items() if ratio and ratio.bounds()[1] < 1]
