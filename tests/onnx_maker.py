"""Small ONNX files for tests: exports, graphs as others make them, and liars."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgebench.models.onnx_export import export

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edgebench.models.onnx_export import Activations

    Floats = NDArray[np.float32]

OPSETS = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]


def exported(gguf: Path, activations: Activations = "fp32") -> Path:
    """Our export of that file, in a folder beside it."""
    return export(gguf, gguf.with_name(f"{gguf.stem}-{activations}"), activations=activations).path


def graph_of(path: Path) -> onnx.ModelProto:
    return onnx.load(str(path), load_external_data=False)


def save(model: onnx.ModelProto, path: Path) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def initializer(model: onnx.ModelProto, name: str) -> TensorProto:
    (found,) = (t for t in model.graph.initializer if t.name == name)
    assert isinstance(found, TensorProto)
    return found


def stored(path: Path, name: str) -> NDArray[Any]:
    """The tensor of that name, read from where the graph says."""
    tensor = initializer(graph_of(path), name)
    where = {entry.key: entry.value for entry in tensor.external_data}
    kind = helper.tensor_dtype_to_np_dtype(tensor.data_type)
    data = path.with_name(where["location"]).read_bytes()
    at = int(where["offset"])
    raw = data[at : at + int(where["length"])]
    return np.frombuffer(raw, dtype=kind).reshape(tuple(tensor.dims))


def as_others_make_it(graph: Path, folder: Path, *, last_only: bool = False) -> Path:
    """Our export with the inputs and outputs that ONNX Runtime GenAI's builder gives its graphs.

    With `last_only` there are logits of the last token alone.
    """
    model = graph_of(graph)
    del model.metadata_props[:]
    body = model.graph
    for node in body.node:
        node.input[:] = [_renamed(name) for name in node.input]
        node.output[:] = [_renamed(name) for name in node.output]
    kept = [i for i in body.input if i.name not in ("seqlens_k", "total_len", "out_idx")]
    for value in [*kept, *body.output]:
        value.name = _renamed(value.name)
    mask = helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["B", "T"])
    before = [*_lengths(), *_wanted(last_only=last_only)]
    nodes = [*before, *body.node]
    body.initializer.extend(_constants())
    del body.node[:], body.input[:]
    body.node.extend(nodes)
    body.input.extend([kept[0], mask, *kept[1:]])
    folder.mkdir()
    os.link(graph.with_name("model.onnx.data"), folder / "model.onnx.data")
    return save(model, folder / "model.onnx")


def averager(path: Path, table: Floats, places: Floats, head: Floats) -> Path:
    """A graph of plain ONNX operators that keeps a growing cache, for one layer of one head.

    Logits at a position are the mean of `table[token] + places[position]` so far, times `head`.
    """
    hidden, vocabulary = head.shape
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"]),
        helper.make_node("Gather", ["places", "position_ids"], ["where"]),
        helper.make_node("Add", ["words", "where"], ["x"]),
        helper.make_node("Unsqueeze", ["x", "one"], ["new"]),
        helper.make_node("Concat", ["past_key_values.0.key", "new"], ["present.0.key"], axis=2),
        helper.make_node("Concat", ["past_key_values.0.value", "new"], ["present.0.value"], axis=2),
        helper.make_node("Shape", ["past_key_values.0.key"], ["before"], start=2, end=3),
        helper.make_node("Shape", ["input_ids"], ["count"], start=1),
        helper.make_node("Shape", ["attention_mask"], ["total"], start=1),
        helper.make_node("Concat", ["count", "total"], ["square"], axis=0),
        helper.make_node("ConstantOfShape", ["square"], ["ones"], value=_one()),
        helper.make_node("Squeeze", ["before"], ["diagonal"]),
        helper.make_node("Trilu", ["ones", "diagonal"], ["seen"], upper=0),
        helper.make_node("ReduceSum", ["seen", "one"], ["many"], keepdims=1),
        helper.make_node("Div", ["seen", "many"], ["share"]),
        helper.make_node("Squeeze", ["present.0.value", "one"], ["values"]),
        helper.make_node("MatMul", ["share", "values"], ["mean"]),
        helper.make_node("MatMul", ["mean", "head"], ["logits"]),
    ]
    caches = {f"past_key_values.0.{kind}": [1, 1, "past", hidden] for kind in ("key", "value")}
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, [1, axis])
        for name, axis in (("input_ids", "S"), ("attention_mask", "T"), ("position_ids", "S"))
    ]
    inputs += [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in caches.items()]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, "S", vocabulary])]
    outputs += [
        helper.make_tensor_value_info(f"present.0.{k}", TensorProto.FLOAT, [1, 1, "T", hidden])
        for k in ("key", "value")
    ]
    weights = {"table": table, "places": places, "head": head, "one": np.array([1])}
    constants = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    return save(model_of(nodes, inputs, outputs, constants), path)


def model_of(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    initializers: Iterable[TensorProto] = (),
    opsets: Sequence[onnx.OperatorSetIdProto] = OPSETS,
) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "made", inputs, outputs, list(initializers))
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def one_node(
    op: str, *, domain: str = "", opset: int = 21, kind: int = TensorProto.FLOAT
) -> onnx.ModelProto:
    """x through one operator."""
    x, y = (helper.make_tensor_value_info(name, kind, [2]) for name in "xy")
    node = helper.make_node(op, ["x"], ["y"], domain=domain)
    return model_of([node], [x], [y], opsets=[helper.make_opsetid(domain, opset)])


def _renamed(name: str) -> str:
    for ours, theirs in (("past_key_", "key"), ("past_value_", "value")):
        if name.startswith(ours):
            return f"past_key_values.{name.removeprefix(ours)}.{theirs}"
    for ours, theirs in (("present_key_", "key"), ("present_value_", "value")):
        if name.startswith(ours):
            return f"present.{name.removeprefix(ours)}.{theirs}"
    return name


def _lengths() -> list[onnx.NodeProto]:
    """seqlens_k and total_len out of the attention mask."""
    return [
        helper.make_node("ReduceSum", ["attention_mask", "axis.1"], ["tokens"], keepdims=0),
        helper.make_node("Sub", ["tokens", "axis.1"], ["tokens.before"]),
        helper.make_node("Cast", ["tokens.before"], ["seqlens_k"], to=TensorProto.INT32),
        helper.make_node("Shape", ["attention_mask"], ["tokens.all"], start=1),
        helper.make_node("Squeeze", ["tokens.all"], ["tokens.scalar"]),
        helper.make_node("Cast", ["tokens.scalar"], ["total_len"], to=TensorProto.INT32),
    ]


def _wanted(*, last_only: bool) -> list[onnx.NodeProto]:
    """out_idx: every position, or the last one."""
    count = helper.make_node("Shape", ["input_ids"], ["count"], start=1)
    if last_only:
        return [count, helper.make_node("Sub", ["count", "axis.1"], ["out_idx"])]
    return [
        count,
        helper.make_node("Squeeze", ["count"], ["count.scalar"]),
        helper.make_node("Range", ["zero", "count.scalar", "step"], ["out_idx"]),
    ]


def _constants() -> list[TensorProto]:
    found = {"axis.1": [1], "zero": 0, "step": 1}
    return [numpy_helper.from_array(np.array(v, np.int64), name) for name, v in found.items()]


def _one() -> TensorProto:
    return numpy_helper.from_array(np.ones(1, np.float32))
