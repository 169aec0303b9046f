"""How long prefill and decode take by how much text there is, and curves fitted to that. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.analysis import metrics
from edgebench.claims import figures

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgebench.claims import Evidence, Row
    from edgebench.claims.figures import Block

QUANT = "Q8_0"
EXPONENT_FROM, EXPONENT_TO = 2048, 8192
FEWEST_LENGTHS = 3

Course = dict[int, float]


def courses(
    evidence: Evidence, phase: str, *, flash: bool = True, kv_type: str = "f16"
) -> dict[Block, Course]:
    """Seconds by tokens, block by block: of a whole prefill by its length, of a decoded token by
    its depth.
    """

    def fits(row: Row) -> bool:
        options, work = row.entry.cell.options, row.entry.cell.workload
        decodes = bool(work.output_tokens)
        alone = decodes != bool(work.prompt_tokens) and work.sequences == 1
        return alone and decodes == (phase == "decode") and (
            options.flash_attention is flash and options.kv_type == kv_type
        ) and options.repacking is not False  # fmt: skip

    metric = metrics.decode_tok_s if phase == "decode" else metrics.prefill_tok_s
    found: dict[Block, Course] = {}
    chosen = figures.rows(evidence, quant=QUANT, where=fits)
    for row in chosen:
        work = row.entry.cell.workload
        for block, tok_s in figures.figures([row], metric).by_block.items():
            course = found.setdefault(block, {})
            if phase == "decode":
                course[work.depth_tokens] = 1 / tok_s
            else:
                course[work.prompt_tokens] = work.prompt_tokens / tok_s
    return {block: course for block, course in found.items() if len(course) >= FEWEST_LENGTHS}


def memory_courses(evidence: Evidence) -> dict[Block, Course]:
    """Bytes of the process that no file backs, by depth; with flash attention, cache of f16."""

    def fits(row: Row) -> bool:
        work = row.entry.cell.workload
        alone = bool(work.output_tokens) and not work.prompt_tokens and work.sequences == 1
        return alone and figures.plain(row) and row.entry.cell.options.kv_type == "f16"

    found: dict[Block, Course] = {}
    for row in figures.rows(evidence, quant=QUANT, where=fits):
        for launch in row.entry.launches:
            if launch.memory and launch.memory.anonymous_bytes and not launch.sustained:
                course = found.setdefault((row.result.run_id, launch.round), {})
                course[row.entry.cell.workload.depth_tokens] = launch.memory.anonymous_bytes
    return {block: course for block, course in found.items() if len(course) >= FEWEST_LENGTHS}


def kv_bytes_per_token(evidence: Evidence) -> int | None:
    """What the model's shape foretells in f16: keys and values of each layer."""
    for row in figures.rows(evidence, quant=QUANT):
        if shape := row.file.shape:
            return 2 * 2 * shape.layers * shape.kv_heads * shape.hidden // shape.heads
    return None


def prefill_fit(course: Mapping[int, float]) -> tuple[float, float]:
    """a and b of T(N) = aN + bN^2, least squares of seconds: long prompts weigh most."""
    import numpy as np

    lengths = np.array(sorted(course), dtype=np.float64)
    took = np.array([course[int(n)] for n in lengths])
    (a, b), *_ = np.linalg.lstsq(np.stack([lengths, lengths**2], axis=1), took, rcond=None)
    return float(a), float(b)


def decode_fit(course: Mapping[int, float]) -> tuple[float, float]:
    """Seconds of a token without context, and seconds more per token of depth."""
    import numpy as np

    depths = np.array(sorted(course), dtype=np.float64)
    took = np.array([course[int(d)] for d in depths])
    slope, start = np.polyfit(depths, took, 1)
    return float(start), float(slope)


def exponent(course: Mapping[int, float]) -> float | None:
    """The slope of log T over log N between 2,048 and 8,192 tokens; None without that span."""
    import numpy as np

    kept = {n: t for n, t in course.items() if EXPONENT_FROM <= n <= EXPONENT_TO}
    if not kept or min(kept) != EXPONENT_FROM or max(kept) != EXPONENT_TO:
        return None
    logs = np.log([[n, t] for n, t in sorted(kept.items())])
    return float(np.polyfit(logs[:, 0], logs[:, 1], 1)[0])
