"""Our own ONNX graph cut in two at a layer: what is sent across is one hidden state per token.

The first half takes tokens and gives `hidden` float32[B, S, hidden], the residual stream before
the layer's norm; the second takes that and gives `logits`. Each has the key-value caches of its
own layers. Both read the weights of the whole graph, whose data file is linked beside them.

Imports onnx: for processes of their own.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import onnx
from onnx import TensorProto, helper

from edgebench.errors import BadModel
from edgebench.models.onnx_graph import DATA_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HIDDEN = "hidden"
HALVES = ("first.onnx", "second.onnx")
NORM = "SkipSimplifiedLayerNormalization"


class _Cut(NamedTuple):
    """The node at which the graph is cut: it adds `x` to `residual` and norms the sum."""

    at: int
    x: str
    residual: str
    gain: str
    normed: str
    total: str
    epsilon: float


def split(graph: Path, folder: Path, layer: int) -> tuple[Path, Path]:
    """Both halves of `graph` in `folder`, the second beginning with `layer`.

    Raises BadModel where the graph has no such layer or is none of ours.
    """
    model = onnx.load(str(graph), load_external_data=False)
    cut = _find(model, graph, layer)
    first, second = _first_half(model, cut), _second_half(model, cut)
    folder.mkdir(parents=True, exist_ok=True)
    _link(graph.parent / DATA_NAME, folder / DATA_NAME)
    paths = folder / HALVES[0], folder / HALVES[1]
    for path, half in zip(paths, (first, second), strict=True):
        part = path.with_suffix(".part")
        part.write_bytes(half.SerializeToString())
        part.replace(path)
    return paths


def _find(model: Any, graph: Path, layer: int) -> _Cut:
    gain = f"blk.{layer}.attn_norm.weight"
    for at, node in enumerate(model.graph.node):
        if node.op_type == NORM and gain in node.input:
            epsilon = next(a.f for a in node.attribute if a.name == "epsilon")
            x, residual, gain = node.input[:3]
            return _Cut(at, x, residual, gain, node.output[0], node.output[3], epsilon)
    raise BadModel(
        f"{graph}: it cannot be cut before layer {layer}.", "Export it with edgebench, and choose "
        "a layer between the first and the last."
    )  # fmt: skip


def _first_half(model: Any, cut: _Cut) -> Any:
    add = helper.make_node("Add", [cut.x, cut.residual], [HIDDEN], name="cut")
    return _part(model, [*list(model.graph.node)[: cut.at], add])


def _second_half(model: Any, cut: _Cut) -> Any:
    norm = helper.make_node(
        "SimplifiedLayerNormalization", [HIDDEN, cut.gain], [cut.normed], name="cut",
        axis=-1, epsilon=cut.epsilon, stash_type=1,
    )  # fmt: skip
    rest = []
    for node in list(model.graph.node)[cut.at + 1 :]:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        names = [HIDDEN if name == cut.total else name for name in node.input]
        del copy.input[:]
        copy.input.extend(names)
        rest.append(copy)
    return _part(model, [norm, *rest])


def _part(model: Any, nodes: list[Any]) -> Any:
    """A model of these nodes, with what they read and give."""
    read = {name for node in nodes for name in node.input}
    made = {name for node in nodes for name in node.output}
    hidden = helper.make_tensor_value_info(HIDDEN, TensorProto.FLOAT, ["B", "S", "width"])
    inputs = _named(model.graph.input, read) + ([] if HIDDEN in made else [hidden])
    outputs = ([hidden] if HIDDEN in made else []) + _named(model.graph.output, made)
    graph = helper.make_graph(
        nodes, "edgebench", inputs, outputs, _named(model.graph.initializer, read)
    )
    half = helper.make_model(
        graph, opset_imports=model.opset_import, ir_version=model.ir_version,
        producer_name="edgebench",
    )  # fmt: skip
    half.metadata_props.extend(model.metadata_props)
    return half


def _named(things: Iterable[Any], names: set[str]) -> list[Any]:
    return [thing for thing in things if thing.name in names]


def _link(data: Path, target: Path) -> None:
    """One file under two names where the file system can, else a copy."""
    if target.exists():
        return
    with contextlib.suppress(OSError):
        os.link(data, target)
        return
    shutil.copyfile(data, target)
