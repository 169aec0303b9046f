"""The claims that there are, in the order of their weight."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from edgebench.errors import UnknownName

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgebench.claims import Claim

ORDER = (
    "isa-speedup", "native-vs-python", "arm-vs-gpu", "decode-bandwidth", "edge-usable",
    "context-cost", "quant-optimise", "small-good-enough", "context-compress", "tier-routing",
    "split-link", "local-cost", "cost-decline", "low-power", "gpu-generation", "private-offline",
    "lora-overhead", "sensor-light",
)  # fmt: skip


def claims() -> tuple[Claim, ...]:
    """Every claim whose file is there: edgebench/claims/<id with underscores>.py has its CLAIM."""
    there = (name for name in map(_module, ORDER) if find_spec(name))
    return tuple(import_module(name).CLAIM for name in there)


def chosen(ids: Iterable[str]) -> tuple[Claim, ...]:
    """Those of these ids, each once, in the suite's order; all for none. Raises UnknownName."""
    known, wanted = {claim.id: claim for claim in claims()}, set(ids)
    for name in sorted(wanted - set(known)):
        raise UnknownName.of("claim", name, known)
    return tuple(claim for name, claim in known.items() if not wanted or name in wanted)


def _module(claim_id: str) -> str:
    return f"edgebench.claims.{claim_id.replace('-', '_')}"
