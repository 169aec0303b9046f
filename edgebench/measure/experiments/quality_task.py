"""How well a file predicts text, beside another file of the same model, chunk by chunk.

As llama-perplexity does it: a chunk starts anew, and only its second half is scored, so that every
scored token has at least half a chunk before it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.machine import counters
from edgebench.measure import tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from edgebench.backends import Session

    Logits = NDArray[np.float32]


class Scored(NamedTuple):
    """Means over the scored tokens of a chunk, in nats; `kl` from the base's distribution. None:
    not finite.
    """

    nll_nats: float | None
    base_nll_nats: float | None
    kl_nats: float | None
    scored_tokens: int


def measure(
    parameters: Mapping[str, Any], clock: Callable[[], int], emit: Callable[..., None]
) -> None:
    """Time `file` where `trials` asks for it, then score it against `base` on each of `chunks`."""
    with tasks.llama_session(parameters) as session:
        if parameters["trials"]:
            values = tasks.timed(session, clock, tasks.request_of(parameters), emit)
            emit("timed", values=values | {"peak_rss_bytes": counters.peak_rss_bytes()})
        if parameters.get("reference"):
            known = (parameters["verified_tokens"], parameters["reference"])
            emit("verified", distances=tasks.against(session, *known))
        rows = [_second_half(session, chunk, emit) for chunk in parameters["chunks"]]
    with tasks.llama_session(parameters, parameters["base"]) as base:
        for index, (chunk, found) in enumerate(zip(parameters["chunks"], rows, strict=True)):
            scored = score(_second_half(base, chunk, emit), found, chunk[-len(found) :])
            emit("scored", chunk=index, values=scored._asdict())


def score(base: Logits, found: Logits, following: Sequence[int]) -> Scored:
    """Of logits float32[n, vocabulary] that come before each of the n tokens `following`."""
    from edgebench.measure import verify

    seen = verify.distances(base, found, following)
    return Scored(
        nll_nats=_log(seen.perplexity_engine),
        base_nll_nats=_log(seen.perplexity_reference),
        kl_nats=seen.mean_kl,
        scored_tokens=seen.positions,
    )


def _second_half(session: Session, chunk: Sequence[int], emit: Callable[..., None]) -> Logits:
    """Logits that foretell the second half of the chunk."""
    import numpy as np

    emit("stage", stage="trial")

    half = len(chunk) // 2
    session.reset()
    session.prefill(chunk[: half - 1])
    return np.array(session.prefill(chunk[half - 1 : -1], every=True))


def _log(perplexity: float | None) -> float | None:
    return None if perplexity is None else math.log(perplexity)
