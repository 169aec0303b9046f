"""Whether an engine's logits are right: its distance from the float32 reference.

Both are fed the very same tokens, so position i of one compares with position i of the other.
The distance is the Kullback-Leibler divergence (Kullback & Leibler 1951) from the reference's
next-token distribution to the engine's. docs/verification.md has the measurements behind the
thresholds, and says what verification does not see.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

CHUNK_POSITIONS = 32


class Distances(NamedTuple):
    """Over `positions` positions; KL and its maximum in nats. None: not finite.

    `relative_logit_error` is the root of the summed squared error of the logits over the summed
    squares of the reference's, both without their mean: a figure that does not depend on how
    likely the text is, and so says the same for synthetic weights.

    `finite_reference` is False where the reference itself broke down, which says nothing about
    the engine.
    """

    positions: int
    mean_kl: float | None
    max_kl: float | None
    top1_agreement: float
    perplexity_engine: float | None
    perplexity_reference: float | None
    relative_logit_error: float | None
    finite_reference: bool


class Limits(NamedTuple):
    """At most this mean and maximal KL in nats, at least this share of equal top-1 tokens."""

    mean_kl: float
    max_kl: float
    top1_agreement: float


class Judgement(NamedTuple):
    """`status` is passed, failed or not_possible; `reason` a sentence unless passed."""

    status: str
    reason: str | None


_QUANTIZED = Limits(mean_kl=0.015, max_kl=0.5, top1_agreement=0.85)
LIMITS = {
    "F32": Limits(mean_kl=0.0001, max_kl=0.005, top1_agreement=0.97),
    "F16": Limits(mean_kl=0.001, max_kl=0.02, top1_agreement=0.95),
    "BF16": Limits(mean_kl=0.002, max_kl=0.02, top1_agreement=0.95),
}


def thresholds(tensor_types: Mapping[str, int]) -> Limits:
    """The limits for a file with tensors of these types: those of its loosest type.

    Whatever is not a float format counts as quantized, types yet unknown included: engines
    round activations to 8 bits to multiply with any of them.
    """
    present = [LIMITS.get(name, _QUANTIZED) for name, count in tensor_types.items() if count > 0]
    if not present:
        raise ValueError("a file without tensors has no thresholds")
    return Limits(
        mean_kl=max(limit.mean_kl for limit in present),
        max_kl=max(limit.max_kl for limit in present),
        top1_agreement=min(limit.top1_agreement for limit in present),
    )


def distances(
    reference: NDArray[np.float32], engine: NDArray[np.float32], next_tokens: Sequence[int]
) -> Distances:
    """Compare logits, float32[n, vocabulary] each, of the same n >= 1 positions.

    `next_tokens[i]` is the token that followed position i, for the perplexities. Softmax and
    sums are float64. A position where the engine's logits hold NaN or an infinity counts as
    disagreeing and makes the engine's figures None. Raises ValueError for unequal shapes.
    """
    import numpy as np

    _check_shapes(reference, engine, next_tokens)
    pieces = [
        _per_position(reference[rows], engine[rows], np.asarray(next_tokens[rows]))
        for start in range(0, len(reference), CHUNK_POSITIONS)
        for rows in [slice(start, start + CHUNK_POSITIONS)]
    ]
    kl, agrees, engine_loss, reference_loss, error, spread = (
        np.concatenate(part) for part in zip(*pieces, strict=True)
    )
    return Distances(
        positions=len(kl),
        mean_kl=_finite(kl.mean()),
        max_kl=_finite(kl.max()),
        top1_agreement=float(agrees.mean()),
        perplexity_engine=_exp(engine_loss.mean()),
        perplexity_reference=_exp(reference_loss.mean()),
        relative_logit_error=_root_ratio(float(error.sum()), float(spread.sum())),
        finite_reference=bool(np.isfinite(reference_loss).all()),
    )


def judge(found: Distances, limits: Limits) -> Judgement:
    """Whether `found` is within `limits`. What is not a number never passes."""
    if not found.finite_reference:
        return Judgement("not_possible", "The reference's logits are not finite: damaged weights?")
    if found.mean_kl is None or found.max_kl is None:
        return Judgement("failed", "The engine's logits are not finite.")
    exceeded = [
        f"{name} {value:.3g} is {word} {limit:.3g}"
        for name, value, word, limit, within in (
            ("mean KL", found.mean_kl, "above", limits.mean_kl, found.mean_kl <= limits.mean_kl),
            ("max KL", found.max_kl, "above", limits.max_kl, found.max_kl <= limits.max_kl),
            (
                "top-1 agreement",
                found.top1_agreement,
                "below",
                limits.top1_agreement,
                found.top1_agreement >= limits.top1_agreement,
            ),
        )
        if not within
    ]
    if exceeded:
        return Judgement("failed", f"Against the float32 reference, {', '.join(exceeded)}.")
    return Judgement("passed", None)


def _per_position(
    reference: NDArray[np.float32], engine: NDArray[np.float32], following: NDArray[Any]
) -> tuple[NDArray[Any], ...]:
    """KL, equal top-1, both losses, squared error and squared reference, one entry per position.

    The last two are of logits without their mean, which no softmax sees.
    """
    import numpy as np

    p, q = _log_softmax(reference), _log_softmax(engine)
    with np.errstate(all="ignore"):
        kl = np.maximum(np.sum(np.exp(p) * (p - q), axis=-1), 0.0)  # rounding can leave -1e-17
    at = np.arange(len(following))
    agrees = (p.argmax(axis=-1) == q.argmax(axis=-1)) & np.isfinite(q).all(axis=-1)
    centred_p, centred_q = (x - x.mean(axis=-1, keepdims=True) for x in (p, q))
    error, spread = ((centred_q - centred_p) ** 2).sum(axis=-1), (centred_p**2).sum(axis=-1)
    return kl, agrees, -q[at, following], -p[at, following], error, spread


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Rows with anything that is not finite become NaN altogether."""
    import numpy as np

    x = logits.astype(np.float64)
    x[~np.isfinite(x).all(axis=-1)] = np.nan
    x -= x.max(axis=-1, keepdims=True)
    return np.asarray(x - np.log(np.exp(x).sum(axis=-1, keepdims=True)))


def _check_shapes(
    reference: NDArray[np.float32], engine: NDArray[np.float32], next_tokens: Sequence[int]
) -> None:
    if reference.shape != engine.shape or reference.ndim != 2 or reference.size == 0:
        raise ValueError(f"logits of shapes {reference.shape} and {engine.shape} do not compare")
    if len(next_tokens) != len(reference):
        raise ValueError(f"{len(next_tokens)} next tokens for {len(reference)} positions")


def _root_ratio(error: float, spread: float) -> float | None:
    return _finite(math.sqrt(error / spread)) if spread > 0 else None


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _exp(value: float) -> float | None:
    return _finite(math.exp(value)) if value < 700 else None  # NaN is not below anything
