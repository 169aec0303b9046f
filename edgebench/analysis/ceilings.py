"""What share of this machine's measured ceilings a cell reached.

Decoding is bound by the bytes that a step reads, prefill by the operations of its matrices
(the roofline model: Williams, Waterman and Patterson 2009, doi:10.1145/1498765.1498785). Bytes
over measured read bandwidth is what the literature calls model-bandwidth utilisation, operations
over measured arithmetic FLOP utilisation. Everything is computed from the record when it is read.

Approximated, because a record holds the file's size and how many tensors there are of each type,
and not which: the header and the tokenizer count as weights (about 1 % of a small file), an
embedding that is not the head as well is left out as if it had the type that most matrices have,
and ONNX Runtime is taken to read as many bytes as the GGUF file that its weights come from,
though its scales are wider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench.analysis import metrics
from edgebench.analysis.labels import cell_label
from edgebench.schema.note import Note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.schema.ceilings import ArithmeticRate, Ceilings, Rate
    from edgebench.schema.cell import Cell, MeasuredFile
    from edgebench.schema.device import Device
    from edgebench.schema.interval import Interval
    from edgebench.schema.model import Shape
    from edgebench.schema.result import CellResult, Result
    from edgebench.schema.workload import Workload

LITTLE, ALL = 0.10, 1.0
MOST_NAMED = 2
KV_ELEMENT_BYTES = {"f16": 2, "f32": 4, "q8_0": 34 / 32, "q4_0": 18 / 32}
FLOATS = frozenset({"F32", "F16", "BF16"})
# Engines that are not meant to be fast: one plays a script, one is the verdict's yardstick.
NOT_JUDGED = frozenset({"fake", "reference"})
# Engines that dequantize every weight to float32 when they load it.
WIDENING = frozenset({"torch"})


class Share(NamedTuple):
    """A rate beside its ceiling, both per second, in bytes or in operations."""

    reached: float
    ceiling: float

    @property
    def value(self) -> float:
        return self.reached / self.ceiling


class Shares(NamedTuple):
    """None: no such phase, no speed shown, or no ceiling measured at that thread count."""

    bandwidth: Share | None
    arithmetic: Share | None


def shares(entry: CellResult, result: Result) -> Shares:
    """What `entry` reached of the ceilings in its own record."""
    file = next(f for f in result.files if f.sha256 == entry.cell.file)
    known, cell = result.device.ceilings, entry.cell
    if known is None or file.shape is None or cell.device != "cpu" or cell.backend in NOT_JUDGED:
        return Shares(None, None)
    summary = metrics.summarize(entry)
    read = decode_read_bytes_per_token(file, file.shape, cell)
    work = prefill_operations_per_token(file.shape, cell.workload)
    return Shares(
        _share(summary.decode_tok_s, read, read_bytes_s(known, cell.threads)),
        _share(summary.prefill_tok_s, work, _arithmetic_of(known, cell, file)),
    )


def read_bytes_s(ceilings: Ceilings, threads: int) -> float | None:
    """The best that any method read per second with that many threads, in bytes."""
    found = [r.bytes_read / best_s(r) for r in ceilings.read if r.threads == threads]
    return max(found, default=None)


def operations_s(rates: tuple[ArithmeticRate, ...], threads: int) -> float | None:
    """The best operations per second with that many threads; a multiply-add counts as two."""
    found = [r.operations / best_s(r) for r in rates if r.threads == threads]
    return max(found, default=None)


def best_s(rate: Rate) -> float:
    """Seconds of the fastest trial of all launches."""
    return min(rate.fastest_ns) * metrics.NS


def spread(rate: Rate) -> float | None:
    """How far the slowest launch lies below the best, as a share of the best; None for one."""
    if len(rate.fastest_ns) < 2:
        return None
    return 1 - min(rate.fastest_ns) / max(rate.fastest_ns)


def decode_read_bytes_per_token(file: MeasuredFile, shape: Shape, cell: Cell) -> float:
    """Bytes read per output token: the weights once a step for all sequences together, and each
    sequence's own KV cache at the mean depth of the workload's steps.
    """
    workload = cell.workload
    width = shape.hidden // shape.heads * shape.kv_heads
    kv_bytes = 2 * shape.layers * width * KV_ELEMENT_BYTES[cell.options.kv_type]
    depth = workload.depth_tokens + workload.prompt_tokens + (workload.output_tokens + 1) / 2
    return weights_read_bytes(file, shape, cell.backend) / workload.sequences + kv_bytes * depth


def weights_read_bytes(file: MeasuredFile, shape: Shape, backend: str) -> float:
    """Bytes of weights that a decode step reads: the file's, or float32 where they are widened."""
    if backend in WIDENING:
        return 4.0 * (_layer_weights(shape) + shape.hidden * shape.vocabulary)
    return file.size_bytes - _embedding_bytes(file, shape)


def prefill_operations_per_token(shape: Shape, workload: Workload) -> float:
    """Operations per prompt token: 2 for each weight of the layers, 4 for attention per layer,
    hidden dimension and visible token (Kaplan et al. 2020, arXiv:2001.08361; Hoffmann et al.
    2022, arXiv:2203.15556, appendix F), and the head once, for the last token.
    """
    if not workload.prompt_tokens:
        return 0.0
    visible = workload.depth_tokens + (workload.prompt_tokens + 1) / 2
    head = 2 * shape.hidden * shape.vocabulary / workload.prompt_tokens
    return 2 * _layer_weights(shape) + 4 * shape.layers * shape.hidden * visible + head


def in_cache(file: MeasuredFile, backend: str, device: Device) -> bool:
    """Whether the last-level cache could hold the weights: then memory bandwidth bounds nothing."""
    ceilings = device.ceilings
    cache_bytes = ceilings.last_level_cache_bytes if ceilings else None
    if cache_bytes is None or file.shape is None:
        return False
    return weights_read_bytes(file, file.shape, backend) <= cache_bytes


def notes(result: Result) -> Iterator[Note]:
    """What is too good to be true, or suspiciously little; many cells of a kind in one line."""
    found = [each for entry in result.cells for each in _seen(entry, result)]
    for name in dict.fromkeys(each.name for each in found):
        for what in dict.fromkeys(each.what for each in found if each.name == name):
            alike = [each for each in found if (each.name, each.what) == (name, what)]
            yield from _said(name, what, alike)


class _Seen(NamedTuple):
    """`what` is the phase and its ceiling; of cells with the same, the shares make one line."""

    name: str
    where: str
    what: str
    share: float


REMEDIES = {
    "above_ceiling": "one of the two is wrong. Repeat edgebench roofline on a quiet machine.",
    "far_below_ceiling": "look for other programs, an instruction set below this CPU's, or a slow "
    "kernel.",
    "cache_resident": "decode is not bound by memory bandwidth, and its share of it says nothing.",
}


def _seen(entry: CellResult, result: Result) -> Iterator[_Seen]:
    where, found = cell_label(entry.cell, result.files), shares(entry, result)
    file = next(f for f in result.files if f.sha256 == entry.cell.file)
    if found.bandwidth and in_cache(file, entry.cell.backend, result.device):
        what = "the weights fit into the last-level cache"
        yield _Seen("cache_resident", where, what, found.bandwidth.value)
    elif found.bandwidth and (name := _name(found.bandwidth.value)):
        yield _Seen(name, where, "decode, of the measured read bandwidth", found.bandwidth.value)
    if found.arithmetic and (name := _name(found.arithmetic.value)):
        yield _Seen(name, where, "prefill, of the measured arithmetic", found.arithmetic.value)


def _name(share: float) -> str | None:
    if share > ALL:
        return "above_ceiling"
    return "far_below_ceiling" if share < LITTLE else None


def _said(name: str, what: str, alike: list[_Seen]) -> Iterator[Note]:
    """Up to `MOST_NAMED` cells by themselves, more of them as a range between two."""
    phase, _, ceiling = what.partition(", ")
    low, high = min(alike, key=lambda e: e.share), max(alike, key=lambda e: e.share)
    if name == "cache_resident":
        many = f"{len(alike)} cells, {alike[0].where} among them"
        cells = [many] if len(alike) > MOST_NAMED else [each.where for each in alike]
        lines = [f"{where}: {what}" for where in cells]
    elif len(alike) > MOST_NAMED:
        lines = [
            f"{len(alike)} cells: {phase} is at {low.share:.1%} ({low.where}) to {high.share:.1%} "
            f"({high.where}) {ceiling}"
        ]
    else:
        lines = [f"{each.where}: {phase} is at {each.share:.1%} {ceiling}" for each in alike]
    for line in lines:
        yield Note(name=name, message=f"{line}: {REMEDIES[name]}")


def _share(rate: Interval | None, per_token: float, ceiling: float | None) -> Share | None:
    if rate is None or ceiling is None:
        return None
    return Share(rate.estimate * per_token, ceiling)


def _arithmetic_of(ceilings: Ceilings, cell: Cell, file: MeasuredFile) -> float | None:
    """The ceiling of the arithmetic that the engine does; None where that was not measured.

    llama.cpp, which has no setting for it, rounds activations to int8 for quantized weights.
    16-bit floats are multiplied as they are on some CPUs and widened on others: no ceiling.
    """
    quantized = not set(file.tensor_types) <= FLOATS
    chosen = cell.options.activations or ("int8" if quantized else file.quant.lower())
    if chosen == "int8" and quantized:
        return operations_s(ceilings.int8, cell.threads)
    if chosen in ("fp32", "f32"):
        return operations_s(ceilings.f32, cell.threads)
    return None


def _embedding_bytes(file: MeasuredFile, shape: Shape) -> float:
    """What decoding does not read: of an embedding that is no head, a row is nothing."""
    if shape.tied_embeddings:
        return 0.0
    embedding = shape.hidden * shape.vocabulary
    width = _matrix_width_bytes(file.tensor_types)
    if width is None:
        return file.size_bytes * embedding / (2 * embedding + _layer_weights(shape))
    return min(float(file.size_bytes), embedding * width)


def _matrix_width_bytes(tensor_types: dict[str, int]) -> float | None:
    """Bytes per weight of the type that most matrices have; None for a type unknown to gguf.

    Norms are always F32: they count only where everything is.
    """
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

    matrices = {name: n for name, n in tensor_types.items() if name != "F32"} or tensor_types
    most = max(matrices, key=lambda name: matrices[name], default="")
    if most not in GGMLQuantizationType.__members__:
        return None
    weights, size_bytes = GGML_QUANT_SIZES[GGMLQuantizationType[most]]
    return float(size_bytes / weights)


def _layer_weights(shape: Shape) -> int:
    """Weights of the matrices of all layers."""
    keys = shape.hidden // shape.heads * shape.kv_heads
    attention = 2 * shape.hidden * (shape.hidden + keys)
    return shape.layers * (attention + 3 * shape.hidden * shape.ffn)
