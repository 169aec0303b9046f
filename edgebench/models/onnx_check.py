"""An ONNX file, ours or a stranger's, checked before any engine opens it.

ONNX's own checker does not know every operator of ONNX Runtime, and engines read the external
data where the file says. This holds every shape, type and range against the others, and reads no
weights: memory is bounded by the graph. It imports neither onnx nor an engine.
"""

from __future__ import annotations

import math
import mmap
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from edgebench.errors import BadInput, BadModel
from edgebench.models import onnx_bytes, protobuf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgebench.models.onnx_bytes import Model, Node, Tensor, Value

MAX_GRAPH_BYTES = (1 << 31) - 1  # what protobuf can hold
DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc")
LEAST_OPSET = 7
FLOAT, FLOAT16, BFLOAT16 = 1, 10, 16
# Bits of an element by TensorProto.DataType.
BITS = {
    1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64,
    15: 128, 16: 16, 17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4, 24: 8, 25: 2, 26: 2,
}  # fmt: skip
STRING = 8


class Facts(NamedTuple):
    """What a sound file says. `activations` is int8, fp32, fp16 or mixed, from its operators.

    `data_files` are all files of external data, `bits` the widths of block-quantized matrices.
    `operators` counts nodes of the main graph.
    """

    path: Path
    opsets: Mapping[str, int]
    metadata: Mapping[str, str]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    operators: Mapping[str, int]
    activations: str
    bits: tuple[int, ...]
    data_files: tuple[Path, ...]


def check(path: Path) -> Facts:
    """Hold the file against itself and the files of external data beside it.

    Raises BadModel for one that is not sound, BadInput for one that cannot be read.
    """
    try:
        model = _read(path)
        _check_opsets(path, model)
        files = {_check_tensor(path, tensor) for tensor in model.tensors}
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}.", "Check the path.") from None
    if not model.has_functions:
        _check_names(path, model)
    for node in model.nodes:
        _check_blocks(path, node, model.initializers)
    return Facts(
        path, model.opsets, model.metadata, model.inputs, model.outputs, _operators(model),
        _activations(model), _bits(model), tuple(sorted(f for f in files if f)),
    )  # fmt: skip


def _read(path: Path) -> Model:
    size = path.stat().st_size
    if not path.is_file() or not 0 < size <= MAX_GRAPH_BYTES:
        _refuse(path, f"not an ONNX model: {size} bytes")
    with path.open("rb") as stream:
        raw = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        return onnx_bytes.parse(memoryview(raw))
    except protobuf.Malformed as error:
        raise _bad(path, f"not an ONNX model: {error}") from None


def _check_opsets(path: Path, model: Model) -> None:
    """Only of operators that are used: ONNX Runtime writes all that it knows into its files."""
    for domain, version in model.opsets.items():
        if domain in ("", "ai.onnx") and version < LEAST_OPSET:
            _refuse(path, f"opset {version} is older than {LEAST_OPSET}")
    for node in () if model.has_functions else model.nodes:
        if node.domain not in DOMAINS:
            _refuse(path, f"operators of {node.domain[:40]!r} are not known")


def _check_tensor(path: Path, tensor: Tensor) -> Path | None:
    """The file that the tensor's data lies in, None where it is in the graph's own."""
    if any(dim < 0 for dim in tensor.dims):
        _refuse(path, f"tensor {tensor.name!r} has dimensions {tensor.dims}")
    bits = BITS.get(tensor.data_type)
    if bits is None and tensor.data_type != STRING:
        _refuse(path, f"tensor {tensor.name!r} has the type {tensor.data_type}")
    size = (math.prod(tensor.dims) * (bits or 0) + 7) // 8
    if tensor.external is not None:
        return _check_external(path, tensor, size)
    if tensor.raw_bytes is not None and tensor.raw_bytes != size:
        _refuse(path, f"tensor {tensor.name!r} has {tensor.raw_bytes} bytes, not {size}")
    return None


def _check_external(path: Path, tensor: Tensor, size: int) -> Path:
    said = tensor.external or {}
    offset = _number(path, tensor, said.get("offset", "0"))
    length = _number(path, tensor, said.get("length", str(size)))
    data = _data_file(path, tensor, said.get("location", ""))
    if length != size:
        _refuse(path, f"tensor {tensor.name!r} announces {length} bytes, not {size}")
    if offset + length > data.stat().st_size:
        _refuse(
            path,
            f"tensor {tensor.name!r} ends at byte {offset + length} of {data.name}, which has "
            f"{data.stat().st_size}: truncated?",
        )
    return data


def _data_file(path: Path, tensor: Tensor, location: str) -> Path:
    """The file of that name, which must really lie in the model's folder."""
    parts = PurePosixPath(location)
    escapes = parts.is_absolute() or ".." in parts.parts or "\\" in location or "\0" in location
    if not location or escapes:
        _refuse(path, f"tensor {tensor.name!r} lies outside the model's folder")
    folder, data = path.parent.resolve(), path.parent / location
    try:
        real = data.resolve(strict=True)
    except (OSError, RuntimeError):
        _refuse(path, f"its data file {location[:80]!r} is missing")
    if not real.is_relative_to(folder):
        _refuse(path, f"tensor {tensor.name!r} lies outside the model's folder, through a link")
    if not real.is_file():
        _refuse(path, f"its data file {location[:80]!r} is not a file")
    return data


def _number(path: Path, tensor: Tensor, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        _refuse(path, f"tensor {tensor.name!r} lies at {text[:20]!r}, which is no number")
    return int(text)


def _check_names(path: Path, model: Model) -> None:
    """Whatever a node reads was made before it."""
    known = {"", *model.initializers, *(each.name for each in model.inputs)}
    for node in model.nodes:
        for name in node.inputs:
            if name not in known:
                _refuse(path, f"a {node.op} reads {name[:80]!r}, which nothing makes")
        known.update(node.outputs)
    for output in model.outputs:
        if output.name not in known:
            _refuse(path, f"nothing makes the output {output.name[:80]!r}")


def _check_blocks(path: Path, node: Node, tensors: Mapping[str, Tensor]) -> None:
    """The quantized matrix of a MatMulNBits: its size is told by attributes and by dimensions."""
    if node.op != "MatMulNBits" or len(node.inputs) < 3:
        return
    said = node.numbers
    matrix, scales = (tensors.get(name) for name in node.inputs[1:3])
    inputs, outputs, size = (said.get(key, 0) for key in ("K", "N", "block_size"))
    bits = said.get("bits", 4)
    if min(inputs, outputs, size, bits) <= 0 or bits > 8 or size > 1 << 16:
        _refuse(path, f"a MatMulNBits of {outputs} x {inputs} in {bits} bits, blocks of {size}")
    blocks = -(-inputs // size)
    wanted = (outputs, blocks, size * bits // 8)
    if matrix is not None and matrix.dims != wanted:
        _refuse(path, f"tensor {matrix.name!r} has dimensions {matrix.dims}, not {wanted}")
    if scales is not None and math.prod(scales.dims) != outputs * blocks:
        _refuse(path, f"tensor {scales.name!r} has {math.prod(scales.dims)} scales")


def _operators(model: Model) -> dict[str, int]:
    counts: dict[str, int] = {}
    for node in model.nodes:
        counts[node.op] = counts.get(node.op, 0) + 1
    return counts


def _bits(model: Model) -> tuple[int, ...]:
    products = (node for node in model.nodes if node.op == "MatMulNBits")
    return tuple(sorted({node.numbers.get("bits", 4) for node in products}))


def _activations(model: Model) -> str:
    """What matrices are multiplied with, by what the operators say, not by what is claimed."""
    caches = {i.data_type for i in model.inputs if i.name.startswith("past_")}
    if caches & {FLOAT16, BFLOAT16}:
        return "fp16"
    levels = {
        node.numbers.get("accuracy_level", 0) == 4
        for node in model.nodes
        if node.op == "MatMulNBits"
    }
    if len(levels) > 1:
        return "mixed"
    return "int8" if levels == {True} else "fp32"


def _refuse(path: Path, problem: str) -> NoReturn:
    raise _bad(path, problem)


def _bad(path: Path, problem: str) -> BadModel:
    return BadModel(f"{path}: {problem}.", "Export or fetch the model again, or use another one.")
