"""Made evidence for private-offline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.claims.makers import NOISY, STEADY, evidence, experiment

if TYPE_CHECKING:
    from edgebench.claims import Evidence
    from tests.claims.makers import Effect


def made(effect: Effect) -> Evidence:
    """Three engines that open a unix socket; in the refuted case one of them calls out once."""
    scatter = NOISY if effect == "astride" else STEADY
    blocks = [_block(each, 1.0 if effect == "refuted" else 0.0) for each in scatter]
    return evidence(experiments=(experiment("private-offline", blocks),))


def _block(scatter: float, outbound: float) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    traced = [watched(engine, calls) for engine, calls in (("llama.cpp", 0.0), ("torch", outbound))]
    control = ({"engine": "control", "network": "none", "traced": True}, {"outbound_calls": 1.0})
    speeds = [
        ({"engine": "llama.cpp", "network": network, "traced": False}, {"decode_s_per_token": took})
        for network, took in (("up", 0.01 * scatter), ("none", 0.01))
    ]
    steady = speeds if scatter in NOISY and scatter not in STEADY else _equal(speeds)
    return [*traced, control, *steady]


def watched(engine: str, outbound: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """A run in an empty namespace that ended well, and what it asked of the network."""
    condition = {"engine": engine, "network": "none", "traced": True}
    return condition, {"completed": 1.0, "outbound_calls": outbound, "sockets_unix": 1.0}


def _equal(speeds: list[tuple[dict[str, Any], dict[str, Any]]]) -> list[Any]:
    return [(condition, {"decode_s_per_token": 0.01}) for condition, _ in speeds]
