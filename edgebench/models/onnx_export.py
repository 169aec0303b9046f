"""One ONNX graph from a GGUF file's own blocks: the same weights in another container.

Imports onnx, so it runs in a process of its own: `python -m edgebench.models.onnx_export` reads a
job on standard input and writes events, one JSON object a line. `onnx_cache.onnx_for` starts it.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from edgebench.errors import BadModel, EdgebenchError
from edgebench.models.cache import hash_file
from edgebench.models.gguf import read_header
from edgebench.models.llama import dimensions, expected_weights
from edgebench.models.making import full
from edgebench.models.onnx_blocks import LAYOUTS, Layout
from edgebench.models.onnx_check import check
from edgebench.models.onnx_data import DataFile
from edgebench.models.onnx_exported import GRAPH_NAME, Exported, metadata_of, part_of
from edgebench.models.onnx_graph import DATA_NAME, Builder
from edgebench.models.onnx_weights import FLOATS, Weights
from edgebench.models.progress import Silent
from edgebench.models.world import disk_free

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgebench.models.gguf import Header
    from edgebench.models.llama import Dimensions
    from edgebench.models.onnx_data import Region
    from edgebench.models.onnx_weights import Matrix

Activations = Literal["int8", "fp32", "fp16"]
MOST_POSITIONS = 1 << 17
GROUPS = {"attn_qkv": ("attn_q", "attn_k", "attn_v"), "ffn_gate_up": ("ffn_gate", "ffn_up")}


class Asked(NamedTuple):
    """`advance` hears of bytes of the GGUF file that are done; `disk_free` tells free bytes."""

    activations: Activations
    allow_derived: bool = False
    advance: Callable[[int], None] = lambda _: None
    disk_free: Callable[[Path], int] = disk_free


def export(
    gguf: Path,
    folder: Path,
    *,
    activations: Activations,
    allow_derived: bool = False,
    sha256: str | None = None,
    advance: Callable[[int], None] = lambda _: None,
    disk_free: Callable[[Path], int] = disk_free,
) -> Exported:
    """Make `folder` with `model.onnx` and `model.onnx.data` from a GGUF file; checked, or nothing.

    Memory is bounded by the largest matrix's offsets, an eighth of it in float32, not by the
    model. `sha256` is the file's, read when not given. Raises BadModel for what is not a
    LLaMA-architecture GGUF or has no lossless counterpart, CannotWrite when the disk refuses.
    """
    asked = Asked(activations, allow_derived, advance, disk_free)
    header = read_header(gguf)
    shape = dimensions(header)
    _check_supported(header, shape)
    sha256 = sha256 or hash_file(gguf, Silent())
    part = part_of(folder)
    needed = _needed_bytes(header, activations)
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        if needed > asked.disk_free(part):
            raise full(folder, f"{asked.disk_free(part):,} bytes are free", needed)
        _write(header, shape, part, asked, sha256)
        found = check(part / GRAPH_NAME)
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    except OSError as error:
        raise full(folder, error.strerror or str(error), needed) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Exported.of(folder / GRAPH_NAME, found.metadata)


def main() -> int:
    """Do the job on standard input: gguf, folder, activations, allow_derived, sha256."""
    job = json.loads(sys.stdin.read())
    try:
        done = export(
            Path(job.pop("gguf")),
            Path(job.pop("folder")),
            advance=lambda size: _say("advance", size=size),
            **job,
        )
    except EdgebenchError as error:
        kind = type(error).__name__
        _say("error", kind=kind, problem=error.problem, remedy=error.remedy)
        return 1
    _say("done", path=str(done.path))
    return 0


def _write(header: Header, shape: Dimensions, part: Path, asked: Asked, sha256: str) -> None:
    float_type = np.float16 if asked.activations == "fp16" else np.float32
    with DataFile(part / DATA_NAME) as data:
        weights = Weights(
            header, data, float_type=float_type, allow_derived=asked.allow_derived,
            advance=asked.advance,
        )  # fmt: skip
        builder = Builder(shape, asked.activations)
        tables = _rotation(shape, weights, min(shape.context, MOST_POSITIONS))
        cos, sin = (
            builder.constant(data.add(name, table.astype(float_type)))
            for name, table in zip(("cos", "sin"), tables, strict=True)
        )
        x, head = _network(builder, shape, weights, cos, sin)
        described = metadata_of(header, shape, asked.activations, tuple(weights.derived), sha256)
        model = builder.finish(x, head, described)
    (part / GRAPH_NAME).write_bytes(model.SerializeToString())


def _network(
    builder: Builder, shape: Dimensions, weights: Weights, cos: str, sin: str
) -> tuple[str, Matrix]:
    """The normed states before the head, and the head."""
    table = weights.store("token_embd", ["token_embd.weight"])
    residual = builder.embed(table)
    normed = builder.norm(residual, weights.store_vector("blk.0.attn_norm.weight"))
    for layer in range(shape.layers):
        qkv = _apply(builder, weights, layer, "attn_qkv", normed)
        mixed = builder.attend(layer, qkv, cos, sin)
        (x,) = _apply(builder, weights, layer, "attn_output", mixed)
        gain = weights.store_vector(f"blk.{layer}.ffn_norm.weight")
        normed, residual = builder.add_and_norm(x, residual, gain)
        swished = builder.swish(_apply(builder, weights, layer, "ffn_gate_up", normed))
        (x,) = _apply(builder, weights, layer, "ffn_down", swished)
        normed, residual = builder.add_and_norm(x, residual, _next_gain(weights, shape, layer))
    if shape.tied_embeddings:
        return normed, table
    return normed, weights.store("output", ["output.weight"])


def _apply(builder: Builder, weights: Weights, layer: int, what: str, x: str) -> list[str]:
    """x through the matrices that `what` stands for: one product where they share a type."""
    names = [f"blk.{layer}.{part}.weight" for part in GROUPS.get(what, (what,))]
    if len({weights.type_of(name) for name in names}) == 1:
        return [builder.matmul(x, weights.store(f"blk.{layer}.{what}", names))]
    return [builder.matmul(x, weights.store(name, [name])) for name in names]


def _next_gain(weights: Weights, shape: Dimensions, layer: int) -> Region:
    last = layer + 1 == shape.layers
    name = "output_norm.weight" if last else f"blk.{layer + 1}.attn_norm.weight"
    return weights.store_vector(name)


def _rotation(shape: Dimensions, weights: Weights, positions: int) -> tuple[Any, Any]:
    """cos and sin of every angle, float32[positions, head_dim / 2], angles in float64."""
    frequencies = shape.rope_base ** -(np.arange(0, shape.rope_dim, 2) / shape.rope_dim)
    if shape.rope_scaling == "linear":
        frequencies = frequencies / shape.rope_factor
    if "rope_freqs.weight" in weights.tensors:
        frequencies = frequencies / weights.vector("rope_freqs.weight")
    angles = np.zeros((positions, shape.head_dim // 2))  # what is not rotated turns by nothing
    angles[:, : len(frequencies)] = np.outer(np.arange(positions), frequencies)
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def _check_supported(header: Header, shape: Dimensions) -> None:
    """A part of the network that the graph would leave out makes it wrong: refuse it."""
    other = "Use another file."
    if shape.rope_scaling not in ("none", "linear"):
        kind = repr(shape.rope_scaling[:40])
        raise BadModel(f"{header.path}: RoPE scaling of type {kind} is not exported.", other)
    if shape.head_dim % 16:
        problem = f"heads of {shape.head_dim} dimensions, where ONNX Runtime takes multiples of 16"
        raise BadModel(f"{header.path}: {problem}.", other)
    known = {name for name, _ in expected_weights(shape)} | {"rope_freqs.weight"}
    if unknown := sorted({t.name for t in header.tensors} - known):
        raise BadModel(f"{header.path}: the tensor {unknown[0]!r} is not known.", other)
    factors = next((t for t in header.tensors if t.name == "rope_freqs.weight"), None)
    if factors and factors.dims != (shape.rope_dim // 2,):
        raise BadModel(f"{header.path}: rope_freqs.weight has dimensions {factors.dims}.", other)


def _needed_bytes(header: Header, activations: Activations) -> int:
    """About what the export takes: numbers, scales and offsets of blocks; dense floats."""
    float_bytes = 2 if activations == "fp16" else 4
    total = 64 << 20  # the tables of the rotation, the graph, what lies between regions
    for tensor in header.tensors:
        layout = LAYOUTS.get(tensor.type_name, Layout(8, 32))
        weight = layout.bits / 8 + (float_bytes + 4 * layout.offsets) / layout.size
        total += int(
            math.prod(tensor.dims) * (float_bytes if tensor.type_name in FLOATS else weight)
        )
    return total


def _say(event: str, **fields: object) -> None:
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
