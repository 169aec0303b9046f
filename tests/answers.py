"""What an engine answers on a tiny network, beside what the reference answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgebench.backends import LoadOptions
from edgebench.backends.reference import Reference
from edgebench.measure.verify import distances

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edgebench.backends import Session

    Floats = NDArray[np.float32]

TOKENS = [3, 1, 4, 1, 5, 9, 2, 6, 5, 35, 89, 79]
FACTORS = {"rope_freqs.weight": np.linspace(1, 8, 8).astype(np.float32)}
LINEAR = {"llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 4.0}


def right(gguf: Path) -> Floats:
    """The reference's logits after each of TOKENS."""
    options = LoadOptions(isa="numpy", threads=1, context_tokens=32)
    with Reference().load(gguf, options) as session:
        return session.prefill(TOKENS, every=True)


def answers(session: Session) -> Floats:
    """Logits after each of TOKENS: the first half as a batch, the others step by step."""
    rows = [session.prefill(TOKENS[:6], every=True).copy()]
    rows += [session.decode([token]).copy() for token in TOKENS[6:]]
    return np.concatenate(rows)


def mean_kl(one: Floats, other: Floats) -> float:
    found = distances(one, other, TOKENS).mean_kl
    assert found is not None
    return found
