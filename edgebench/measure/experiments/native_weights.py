"""A GGUF file's weights as one float32 array, for the rungs that know no other format.

Order: token embedding; per layer attn_norm, q, k, v, output, ffn_norm, gate, up, down; output_norm;
and the head where it is not the embedding. Runs in a worker: numpy and gguf are imported here.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edgebench.models.llama import Dimensions

PARTS = ("attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate",
         "ffn_up", "ffn_down")  # fmt: skip


def write(parameters: dict[str, Any], _clock: Callable[[], int], emit: Callable[..., None]) -> None:
    """Task: dequantize `file` to `target`, and its dimensions to `target`.json."""
    from edgebench.backends.reference import rope_frequencies
    from edgebench.backends.reference_weights import Weights
    from edgebench.models.gguf import read_header
    from edgebench.models.llama import dimensions

    header = read_header(Path(parameters["file"]))
    shape = dimensions(header)
    weights = Weights(header, shape)
    target = Path(parameters["target"])
    part = target.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as stream:
        for name, is_matrix in _names(shape):
            values = weights.matrix(name) if is_matrix else weights.vector(name)
            stream.write(values.tobytes())
    frequencies = [float(each) for each in rope_frequencies(shape, weights)]
    facts = shape._asdict() | {"frequencies": frequencies}
    target.with_suffix(".json").write_text(json.dumps(facts), encoding="utf-8")
    part.replace(target)
    emit("written", size_bytes=target.stat().st_size)


def _names(shape: Dimensions) -> Iterator[tuple[str, bool]]:
    yield "token_embd.weight", True
    for layer in range(shape.layers):
        yield from ((f"blk.{layer}.{part}.weight", "norm" not in part) for part in PARTS)
    yield "output_norm.weight", False
    if not shape.tied_embeddings:
        yield "output.weight", True
