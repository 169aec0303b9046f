"""Whether an engine's output was right, and by which measure."""

from __future__ import annotations

from typing import Literal

from edgebench.schema import Index, Strict
from edgebench.schema.launch import Failure, Load


class Thresholds(Strict):
    """A verification passes when all three hold (docs/method.md says where they come from)."""

    mean_kl: float
    max_kl: float
    top1_agreement: float


class Verification(Strict):
    """Teacher-forced logits of the engine against the float32 reference, position by position.

    KL divergences are KL(reference || engine) in nats; perplexities are over the same positions.
    """

    status: Literal["passed", "failed", "not_possible"]
    reason: str | None
    reference: str
    positions: Index
    mean_kl: float | None
    max_kl: float | None
    top1_agreement: float | None
    perplexity_engine: float | None
    perplexity_reference: float | None
    relative_logit_error: float | None = None
    thresholds: Thresholds | None
    cold_load: Load | None
    failure: Failure | None
