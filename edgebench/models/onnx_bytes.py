"""The messages of an ONNX file. Field numbers are those of onnx.proto3 (ONNX IR version 10).

Tensor data is stepped over, never copied, so memory does not grow with the weights; neither onnx
nor an engine is imported.
"""

from __future__ import annotations

from typing import NamedTuple

from edgebench.models.protobuf import (
    Malformed,
    as_bytes,
    as_integer,
    as_integers,
    as_text,
    fields,
    signed,
)

MAX_NESTING = 16
MAX_NODES = 1 << 18
MAX_TENSORS = 1 << 18


class Tensor(NamedTuple):
    """An initializer. `data_type` is TensorProto's; `external` holds location, offset, length.

    `raw_bytes` is the size of raw data inside the file, None where there is none.
    """

    name: str
    dims: tuple[int, ...]
    data_type: int
    external: dict[str, str] | None
    raw_bytes: int | None


class Node(NamedTuple):
    """`numbers` are its integer attributes."""

    op: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    numbers: dict[str, int]


class Value(NamedTuple):
    """A graph's input or output; a dimension is a number, a name, or None where unknown."""

    name: str
    data_type: int
    dims: tuple[int | str | None, ...]


class Model(NamedTuple):
    """`tensors` are all there are, those inside attributes and subgraphs included."""

    opsets: dict[str, int]
    metadata: dict[str, str]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    nodes: tuple[Node, ...]
    initializers: dict[str, Tensor]
    tensors: tuple[Tensor, ...]
    has_functions: bool


def parse(data: memoryview) -> Model:
    """The model in `data`. Raises Malformed."""
    return _Reader().model(data)


class _Reader:
    def __init__(self) -> None:
        self._nodes: list[Node] = []
        self._tensors: list[Tensor] = []

    def model(self, data: memoryview) -> Model:
        opsets, metadata, graph, functions = {}, {}, None, 0
        for number, value in fields(data):
            if number == 7:
                graph = as_bytes(value)
            elif number == 8:
                domain, version = _opset(as_bytes(value))
                opsets[domain] = version
            elif number == 14:
                key, text = _pair(as_bytes(value))
                metadata[key] = text
            elif number == 25:
                functions += 1
                self._function(as_bytes(value))
            elif number == 20:
                raise Malformed("it holds training steps")
        if graph is None or not opsets:
            raise Malformed("it has no graph")
        inputs, outputs, initializers = self._graph(graph, 0)
        nodes = tuple(self._nodes)
        found = tuple(self._tensors)
        return Model(opsets, metadata, inputs, outputs, nodes, initializers, found, functions > 0)

    def _graph(
        self, data: memoryview, depth: int
    ) -> tuple[tuple[Value, ...], tuple[Value, ...], dict[str, Tensor]]:
        if depth > MAX_NESTING:
            raise Malformed("graphs are nested too deeply")
        inputs, outputs, initializers = [], [], {}
        for number, value in fields(data):
            if number == 1:
                self._node(as_bytes(value), depth)
            elif number == 5:
                tensor = self._tensor(as_bytes(value))
                initializers[tensor.name] = tensor
            elif number == 11:
                inputs.append(_value_info(as_bytes(value)))
            elif number == 12:
                outputs.append(_value_info(as_bytes(value)))
            elif number == 15:
                self._sparse(as_bytes(value))
        return tuple(inputs), tuple(outputs), initializers

    def _function(self, data: memoryview) -> None:
        for number, value in fields(data):
            if number == 7:
                self._node(as_bytes(value), 1)

    def _node(self, data: memoryview, depth: int) -> None:
        inputs, outputs, numbers = [], [], {}
        op = domain = ""
        for number, value in fields(data):
            if number == 1:
                inputs.append(as_text(value))
            elif number == 2:
                outputs.append(as_text(value))
            elif number == 4:
                op = as_text(value)
            elif number == 7:
                domain = as_text(value)
            elif number == 5:
                name, integer = self._attribute(as_bytes(value), depth)
                if integer is not None:
                    numbers[name] = integer
        if depth == 0:
            self._nodes.append(Node(op, domain, tuple(inputs), tuple(outputs), numbers))
        if len(self._nodes) > MAX_NODES:
            raise Malformed(f"it has more than {MAX_NODES} nodes")

    def _attribute(self, data: memoryview, depth: int) -> tuple[str, int | None]:
        name, integer = "", None
        for number, value in fields(data):
            if number == 1:
                name = as_text(value)
            elif number == 3:
                integer = signed(as_integer(value))
            elif number in (5, 10):
                self._tensor(as_bytes(value))
            elif number in (6, 11):
                self._graph(as_bytes(value), depth + 1)
            elif number in (22, 23):
                self._sparse(as_bytes(value))
        return name, integer

    def _sparse(self, data: memoryview) -> None:
        for number, value in fields(data):
            if number in (1, 2):
                self._tensor(as_bytes(value))

    def _tensor(self, data: memoryview) -> Tensor:
        tensor = _tensor(data)
        self._tensors.append(tensor)
        if len(self._tensors) > MAX_TENSORS:
            raise Malformed(f"it has more than {MAX_TENSORS} tensors")
        return tensor


def _tensor(data: memoryview) -> Tensor:
    dims: list[int] = []
    name, data_type, raw_bytes, location = "", 0, None, 0
    external = {}
    for number, value in fields(data):
        if number == 1:
            dims += as_integers(value)
        elif number == 2:
            data_type = as_integer(value)
        elif number == 8:
            name = as_text(value)
        elif number == 9:
            raw_bytes = len(as_bytes(value))
        elif number == 13:
            key, text = _pair(as_bytes(value))
            external[key] = text
        elif number == 14:
            location = as_integer(value)
    outside = external if location == 1 or external else None
    return Tensor(name, tuple(dims), data_type, outside, raw_bytes)


def _value_info(data: memoryview) -> Value:
    name, data_type = "", 0
    dims: list[int | str | None] = []
    for number, value in fields(data):
        if number == 1:
            name = as_text(value)
        elif number == 2:
            for kind, tensor in fields(as_bytes(value)):
                if kind == 1:
                    data_type, dims = _tensor_type(as_bytes(tensor))
    return Value(name, data_type, tuple(dims))


def _tensor_type(data: memoryview) -> tuple[int, list[int | str | None]]:
    data_type, dims = 0, []
    for number, value in fields(data):
        if number == 1:
            data_type = as_integer(value)
        elif number == 2:
            dims = [_dimension(as_bytes(d)) for n, d in fields(as_bytes(value)) if n == 1]
    return data_type, dims


def _dimension(data: memoryview) -> int | str | None:
    for number, value in fields(data):
        if number == 1:
            return signed(as_integer(value))
        if number == 2:
            return as_text(value)
    return None


def _opset(data: memoryview) -> tuple[str, int]:
    domain, version = "", 0
    for number, value in fields(data):
        if number == 1:
            domain = as_text(value)
        elif number == 2:
            version = as_integer(value)
    return domain, version


def _pair(data: memoryview) -> tuple[str, str]:
    found = {number: as_text(value) for number, value in fields(data)}
    return found.get(1, ""), found.get(2, "")
