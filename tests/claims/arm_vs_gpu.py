"""Made evidence for arm-vs-gpu: one ARM board, one machine with a GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.claims.makers import NOISY, STEADY, X86, evidence, file, record, speeds
from tests.results_maker import DEVICE as BOARD

if TYPE_CHECKING:
    from edgebench.claims import Evidence
    from tests.claims.makers import Effect

# Of the GPU, with sixteen streams; the ARM board makes 100.
GPU_TOK_S = {"supported": 100.0, "refuted": 9000.0, "astride": 500.0}


def made(effect: Effect) -> Evidence:
    weights = file(quant="Q4_0")
    scatter = NOISY if effect == "astride" else STEADY
    arm = [speeds(weights, work, tok_s, isa="armv8.2_1", threads=4)
           for work, tok_s in (("tg32", 40.0), ("tg32@s16", 100.0))]  # fmt: skip
    gpu = [speeds(weights, work, tok_s, noise, device="cuda")
           for work, tok_s, noise in (("tg32", GPU_TOK_S[effect] / 2, STEADY),
                                      ("tg32@s16", GPU_TOK_S[effect], scatter))]  # fmt: skip
    host = X86.model_copy(update={"id": "gpu-server", "gpus": ("Example GPU",)})
    return evidence(
        record([weights], *arm, device=BOARD, run_id="000000aa"),
        record([weights], *gpu, device=host, run_id="000000bb"),
    )
