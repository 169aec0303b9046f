"""Tiny GGUF files for tests: sound LLaMA networks of random weights, and liars."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from gguf import GGUFWriter
from gguf.constants import GGMLQuantizationType, LlamaFileType
from gguf.quants import quantize

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

Weights = dict[str, "NDArray[np.float32]"]


class Tiny(NamedTuple):
    """Dimensions of a network small enough to read its numbers."""

    layers: int = 2
    hidden: int = 64
    heads: int = 4
    kv_heads: int = 2
    ffn: int = 128
    vocabulary: int = 96
    context: int = 64
    tied: bool = False


def random_weights(shape: Tiny = Tiny(), *, seed: int = 0) -> Weights:  # noqa: B008 - immutable
    """Seeded weights by GGUF name; matrices are float32[outputs, inputs]."""
    draw = np.random.default_rng(seed)
    keys = shape.hidden // shape.heads * shape.kv_heads
    matrices = {"token_embd": (shape.vocabulary, shape.hidden)}
    if not shape.tied:
        matrices["output"] = (shape.vocabulary, shape.hidden)
    for layer in range(shape.layers):
        matrices |= {
            f"blk.{layer}.attn_q": (shape.hidden, shape.hidden),
            f"blk.{layer}.attn_k": (keys, shape.hidden),
            f"blk.{layer}.attn_v": (keys, shape.hidden),
            f"blk.{layer}.attn_output": (shape.hidden, shape.hidden),
            f"blk.{layer}.ffn_gate": (shape.ffn, shape.hidden),
            f"blk.{layer}.ffn_up": (shape.ffn, shape.hidden),
            f"blk.{layer}.ffn_down": (shape.hidden, shape.ffn),
        }
    norms = [f"blk.{n}.{name}_norm" for n in range(shape.layers) for name in ("attn", "ffn")]
    weights = {f"{name}.weight": draw.normal(0, 0.2, size) for name, size in matrices.items()}
    weights |= {f"{n}.weight": draw.uniform(0.5, 2, shape.hidden) for n in [*norms, "output_norm"]}
    return {name: array.astype(np.float32) for name, array in weights.items()}


def half_weights() -> Weights:
    """Random weights that float16 holds exactly."""
    weights = random_weights()
    return {name: array.astype(np.float16).astype(np.float32) for name, array in weights.items()}


def write_llama(
    path: Path,
    shape: Tiny = Tiny(),  # noqa: B008 - immutable
    *,
    weights: Weights | None = None,
    quant: str = "F32",
    metadata: dict[str, Any] | None = None,
    without: Iterable[str] = (),
    architecture: str = "llama",
) -> Path:
    """Write a valid file at `path`. `metadata` adds llama.* floats, `without` leaves tensors out.

    It has no vocabulary ("no_vocab"): llama.cpp loads it and decodes token ids.
    """
    writer = GGUFWriter(path, architecture)
    _write_metadata(writer, shape, quant, metadata or {})
    for name, array in (random_weights(shape) if weights is None else weights).items():
        if name not in without:
            _add(writer, name, array, quant)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _write_metadata(writer: GGUFWriter, shape: Tiny, quant: str, metadata: dict[str, Any]) -> None:
    writer.add_block_count(shape.layers)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.hidden)
    writer.add_feed_forward_length(shape.ffn)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(shape.hidden // shape.heads)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_tokenizer_model("no_vocab")
    writer.add_file_type(LlamaFileType[f"{'ALL' if quant == 'F32' else 'MOSTLY'}_{quant}"])
    for key, value in metadata.items():
        add = writer.add_string if isinstance(value, str) else writer.add_float32
        add(key, value)


def _add(writer: GGUFWriter, name: str, array: NDArray[np.float32], quant: str) -> None:
    kind = GGMLQuantizationType[quant if array.ndim > 1 else "F32"]
    writer.add_tensor(name, quantize(array, kind), raw_dtype=kind)


def text(value: str | bytes) -> bytes:
    """A GGUF string: 64-bit length, then the bytes."""
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def entry(key: str, kind: int, value: bytes) -> bytes:
    """One metadata entry, the value as raw bytes."""
    return text(key) + struct.pack("<I", kind) + value


def tensor(name: str, dims: Iterable[int], kind: int = 0, offset: int = 0) -> bytes:
    """One tensor's description; kind 0 is F32."""
    sizes = list(dims)
    packed = struct.pack(f"<I{len(sizes)}QIQ", len(sizes), *sizes, kind, offset)
    return text(name) + packed


def raw_file(
    path: Path,
    *,
    tensors: Iterable[bytes] = (),
    entries: Iterable[bytes] = (),
    tensor_count: int | None = None,
    entry_count: int | None = None,
    version: int = 3,
    data: bytes = b"",
) -> Path:
    """A file of these very parts, sound or not; `data` begins at the next multiple of 32."""
    tensors, entries = list(tensors), list(entries)
    counts = (
        len(tensors) if tensor_count is None else tensor_count,
        len(entries) if entry_count is None else entry_count,
    )
    head = b"GGUF" + struct.pack("<IQQ", version, *counts) + b"".join(entries + tensors)
    path.write_bytes(head + b"\0" * (-len(head) % 32) + data)
    return path
