"""Made evidence for lora-overhead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.claims.lora_overhead import MODES
from tests.claims.makers import NOISY, STEADY, evidence, experiment

if TYPE_CHECKING:
    from edgebench.claims import Evidence
    from tests.claims.makers import Effect

TIMES_AS_LONG = {"supported": 1.2, "refuted": 8.0, "astride": 6.0}


def made(effect: Effect) -> Evidence:
    """A request takes a second without an adapter, and longer with each of them."""
    scatter = NOISY if effect == "astride" else STEADY
    times = TIMES_AS_LONG[effect]
    return evidence(experiments=(experiment("lora", [block(times * each) for each in scatter]),))


def block(times: float) -> list[tuple[dict[str, Any], dict[str, float | None]]]:
    pairs = [(("base", 0), 1.0), *((mode, times) for mode in MODES)]
    return [
        ({"mode": mode, "rank": rank},
         {"request_s": each, "prefill_s": each / 4, "decode_s_per_token": each / 80,
          "peak_rss_bytes": 4e8})
        for (mode, rank), each in pairs
    ]  # fmt: skip
