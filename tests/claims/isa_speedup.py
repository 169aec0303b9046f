"""Made evidence for isa-speedup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.claims.makers import NOISY, STEADY, evidence, file, record, speeds

if TYPE_CHECKING:
    from edgebench.claims import Evidence
    from tests.claims.makers import Effect

BEST_TOK_S = {"supported": 800.0, "refuted": 105.0, "astride": 200.0}


def made(effect: Effect) -> Evidence:
    """100 tok/s with the plainest instruction set; with the best one as the effect asks."""
    files = [file(quant=quant) for quant in ("Q4_0", "Q8_0")]
    scatter = NOISY if effect == "astride" else STEADY
    cells = [
        speeds(each, workload, tok_s, noise, isa=isa)
        for each in files
        for workload in ("pp128", "tg32")
        for isa, tok_s, noise in (("x64", 100.0, STEADY), ("zen4", BEST_TOK_S[effect], scatter))
    ]
    return evidence(record(files, *cells))
