"""Made evidence for gpu-generation: an A100 and an H100."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.claims.gpu_generation import BATCHED
from tests.claims.makers import NOISY, STEADY, X86, evidence, file, record, speeds

if TYPE_CHECKING:
    from edgebench.claims import Evidence
    from tests.claims.makers import Effect

RATIO = {"supported": 4.0, "refuted": 1.3, "astride": 3.0}


def made(effect: Effect) -> Evidence:
    model = file()
    scatter = NOISY if effect == "astride" else STEADY
    records = []
    for number, (gpu, factor) in enumerate(
        (("NVIDIA A100-SXM4-80GB", 1.0), ("NVIDIA H100 80GB HBM3", RATIO[effect]))
    ):
        cells = [
            speeds(model, workload, 100.0 * factor, scatter, device="cuda")
            for workload in ("pp512", "tg128", BATCHED)
        ]
        host = X86.model_copy(update={"id": f"gpu-host-{number}", "gpus": (gpu,)})
        records.append(record([model], *cells, device=host, run_id=f"0000000{number}"))
    return evidence(*records)
