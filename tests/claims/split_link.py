"""Made evidence for split-link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.claims.makers import NOISY, STEADY, evidence, experiment

if TYPE_CHECKING:
    from edgebench.claims import Evidence
    from tests.claims.makers import Effect

# At 100 Mbit/s a token of a 20 ms model takes 0.2 ms of transmission with 2.3 KB; these are bytes.
MOVED_BYTES = {"supported": 150_000, "refuted": 2_350, "astride": 30_000}
BASE_S = 0.02


def made(effect: Effect) -> Evidence:
    """A model whose halves exchange that much per token, in one round trip."""
    scatter = NOISY if effect == "astride" else STEADY
    blocks = [_block(MOVED_BYTES[effect], each) for each in scatter]
    return evidence(experiments=(experiment("split-link", blocks),))


def _block(moved: float, scatter: float) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    whole = ({"split": False, "threads": 2}, {"decode_s_per_token": 0.012, "prefill_s": 0.3})
    grid = [(trip, rate) for trip in (0, 20, 100) for rate in (1, 10, 100)]
    return [whole, *(link(trip, rate, moved, scatter) for trip, rate in grid)]


def link(
    trip_ms: float, rate_mbit_s: float, moved: float, scatter: float = 1.0
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the model takes by the very formula that is fitted, its own part scattered."""
    condition = {
        "split": True, "threads": 2, "cut": 15, "network": "namespaces",
        "round_trip_ms": trip_ms, "rate_mbit_s": rate_mbit_s,
    }  # fmt: skip
    sent_s = 8 * moved / (rate_mbit_s * 1e6)
    return condition, {
        "decode_s_per_token": BASE_S * scatter + trip_ms / 1e3 + sent_s,
        "bytes_per_token": moved,
        "prefill_s": 0.5 * scatter + trip_ms / 1e3 + 256 * sent_s,
        "prefill_bytes": 256 * moved,
    }
