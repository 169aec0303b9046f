"""Made evidence for cost-decline: five releases over two years."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.claims.makers import NOISY, STEADY, evidence, experiment

if TYPE_CHECKING:
    from edgebench.claims import Evidence
    from tests.claims.makers import Effect

DATES = ("2023-10-01", "2024-04-01", "2024-10-01", "2025-04-01", "2025-10-01")
PER_YEAR = {"supported": 4.0, "refuted": 1.2, "astride": 3.0}


def made(effect: Effect) -> Evidence:
    scatter = NOISY if effect == "astride" else STEADY
    blocks = [_block(PER_YEAR[effect] * each) for each in scatter]
    return evidence(experiments=(experiment("engine-history", blocks),))


def _block(per_year: float) -> list[tuple[Any, Any]]:
    return [
        (
            {"version": str(number), "date": day},
            {"prefill_tok_s": speed, "decode_tok_s": speed, "waited_share": 0.0},
        )
        for number, day in enumerate(DATES)
        for speed in (100 * per_year ** (number / 2),)
    ]
