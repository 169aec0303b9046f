"""Made evidence for native-vs-python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.claims.makers import NOISY, STEADY, evidence, experiment

if TYPE_CHECKING:
    from edgebench.claims import Evidence
    from tests.claims.makers import Effect

# Tokens per second of our own C: the language alone is worth 9 of 10 parts, none, or nobody knows.
NATIVE_TOK_S = {"supported": 80.0, "refuted": 10.5, "astride": 25.0}


def made(effect: Effect) -> Evidence:
    """NumPy 10 tok/s and llama.cpp 100 tok/s."""
    scatter = NOISY if effect == "astride" else STEADY
    blocks = [
        [
            ({"rung": rung, "threads": 2, "phase": phase}, {"tok_s": tok_s * noise})
            for phase in ("prefill", "decode")
            for rung, tok_s, noise in (
                ("numpy", 10.0, steady),
                ("c_O3_native", NATIVE_TOK_S[effect], each),
                ("ggml_F16", 50.0, steady),
                ("ggml_Q4_0", 100.0, steady),
            )
        ]
        for steady, each in zip(STEADY, scatter, strict=True)
    ]
    return evidence(experiments=(experiment("native-rungs", blocks),))
