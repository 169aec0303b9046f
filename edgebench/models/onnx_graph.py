"""A LLaMA forward pass as one ONNX graph of ONNX Runtime's operators.

Inputs: `input_ids` int64[B, S], `seqlens_k` int32[B] (tokens seen after this call, minus one),
`total_len` int32 scalar (that plus one, the longest), `out_idx` int64[O] (positions of S whose
logits are wanted), and `past_key_i`, `past_value_i` [B, kv_heads, M, head_dim] with room for M
tokens. Outputs: `logits` float32[B, O, vocabulary], and `present_*`, which are meant to be bound to
the memory of `past_*`: the new keys and values are then written in place.

docs/onnx.md explains the operators. The network is the one of edgebench/backends/reference.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgebench.models.llama import Dimensions
    from edgebench.models.onnx_data import Region
    from edgebench.models.onnx_weights import Matrix

DATA_NAME = "model.onnx.data"
OPSETS = {"": 21, "com.microsoft": 1}
IR_VERSION = 10
_TYPES = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "uint8": TensorProto.UINT8}
_ACCURACY_LEVELS = {"int8": 4, "fp32": 0, "fp16": 0}
_CONTRIB = frozenset({
    "FusedMatMul", "GatherBlockQuantized", "GroupQueryAttention", "MatMulNBits", "QuickGelu",
    "SkipSimplifiedLayerNormalization",
})  # fmt: skip


class Builder:
    """Collects nodes and initializers; every method returns the name of what it adds."""

    def __init__(self, shape: Dimensions, activations: str) -> None:
        self._shape = shape
        self._level = _ACCURACY_LEVELS[activations]
        self._type = TensorProto.FLOAT16 if activations == "fp16" else TensorProto.FLOAT
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: dict[str, TensorProto] = {}
        self._block_sums: dict[tuple[str, int], str] = {}
        self._outputs: list[onnx.ValueInfoProto] = []

    def embed(self, table: Matrix) -> str:
        """Rows of the embedding: [B, S, hidden]."""
        if table.layout is None or table.scales is None:
            return self._add("Gather", [self._tensor(table.data), "input_ids"], axis=0)
        flat = (table.outputs, table.inputs * table.layout.bits // 8)
        names = [self._tensor(table.data, flat), "input_ids", self._tensor(table.scales)]
        x = self._add(
            "GatherBlockQuantized", names, gather_axis=0, quantize_axis=1,
            bits=table.layout.bits, block_size=table.layout.size,
        )  # fmt: skip
        return self._embed_offsets(x, table)

    def norm(self, x: str, gain: Region) -> str:
        """RMSNorm (an operator of ONNX Runtime that lives in ONNX's own domain)."""
        return self._add(
            "SimplifiedLayerNormalization", [x, self._tensor(gain)],
            axis=-1, epsilon=self._shape.rms_epsilon, stash_type=1,
        )  # fmt: skip

    def add_and_norm(self, x: str, residual: str, gain: Region) -> tuple[str, str]:
        """RMSNorm of x + residual, and that sum."""
        total = f"{x}.sum"
        names = [x, residual, self._tensor(gain)]
        normed = self._add(
            "SkipSimplifiedLayerNormalization", names, more_outputs=["", "", total],
            epsilon=self._shape.rms_epsilon,
        )  # fmt: skip
        return normed, total

    def matmul(self, x: str, matrix: Matrix) -> str:
        """x @ W.T, x [B, S, inputs]."""
        if matrix.layout is None or matrix.scales is None:
            return self._add("FusedMatMul", [x, self._tensor(matrix.data)], transB=1)
        names = [x, self._tensor(matrix.data), self._tensor(matrix.scales)]
        y = self._add(
            "MatMulNBits", names, K=matrix.inputs, N=matrix.outputs, bits=matrix.layout.bits,
            block_size=matrix.layout.size, accuracy_level=self._level,
        )  # fmt: skip
        return y if matrix.offsets is None else self._add_offsets(y, x, matrix, matrix.offsets)

    def attend(self, layer: int, qkv: list[str], cos: str, sin: str) -> str:
        """Grouped-query attention over the cache; `qkv` is [packed] or [query, key, value]."""
        past = [f"past_key_{layer}", f"past_value_{layer}"]
        present = [f"present_key_{layer}", f"present_value_{layer}"]
        self._outputs += [self._cache_info(name) for name in present]
        names = [*qkv, "", ""] if len(qkv) == 1 else qkv
        return self._add(
            "GroupQueryAttention", [*names, *past, "seqlens_k", "total_len", cos, sin],
            more_outputs=present, num_heads=self._shape.heads, kv_num_heads=self._shape.kv_heads,
            do_rotary=1, rotary_interleaved=1,
        )  # fmt: skip

    def swish(self, x: list[str]) -> str:
        """silu(gate) * up; `x` is [gate and up side by side] or [gate, up]."""
        if len(x) == 1:
            x = self._add_many("Split", x, ["gate", "up"], axis=-1, num_outputs=2)
        return self._add("Mul", [self._add("QuickGelu", [x[0]], alpha=1.0), x[1]])

    def constant(self, region: Region) -> str:
        """A tensor of the data file that is no matrix of weights."""
        return self._tensor(region)

    def finish(self, x: str, head: Matrix, metadata: dict[str, str]) -> onnx.ModelProto:
        """The model: `head` of the wanted positions of x, which is normed already."""
        logits = self.matmul(self._add("Gather", [x, "out_idx"], axis=1), head)
        if self._type == TensorProto.FLOAT16:
            self._add("Cast", [logits], to=TensorProto.FLOAT)
        self._nodes[-1].output[0] = "logits"
        wanted = [self._info("logits", TensorProto.FLOAT, ["B", "O", head.outputs])]
        graph = helper.make_graph(
            self._nodes, "edgebench", self._inputs(), wanted + self._outputs,
            list(self._initializers.values()),
        )  # fmt: skip
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        model = helper.make_model(
            graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="edgebench"
        )
        helper.set_model_props(model, metadata)
        return model

    def _inputs(self) -> list[onnx.ValueInfoProto]:
        caches = [
            self._cache_info(f"past_{kind}_{layer}")
            for layer in range(self._shape.layers)
            for kind in ("key", "value")
        ]
        return [
            self._info("input_ids", TensorProto.INT64, ["B", "S"]),
            self._info("seqlens_k", TensorProto.INT32, ["B"]),
            self._info("total_len", TensorProto.INT32, []),
            self._info("out_idx", TensorProto.INT64, ["O"]),
            *caches,
        ]

    def _cache_info(self, name: str) -> onnx.ValueInfoProto:
        shape = self._shape
        return self._info(name, self._type, ["B", shape.kv_heads, "M", shape.head_dim])

    def _info(self, name: str, kind: int, dims: list[Any]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, kind, dims)

    def _embed_offsets(self, x: str, table: Matrix) -> str:
        if table.offsets is None or table.layout is None:
            return x
        blocks = table.inputs // table.layout.size
        split = self._numbers("blocks", [0, 0, blocks, table.layout.size])
        gathered = self._add("Gather", [self._tensor(table.offsets), "input_ids"], axis=1)
        turned = self._add("Transpose", [gathered], perm=[1, 2, 0])
        turned = self._add("Unsqueeze", [self._to_activations(turned), self._numbers("last", [-1])])
        total = self._add("Add", [self._add("Reshape", [x, split]), turned])
        return self._add("Reshape", [total, self._numbers("rows", [0, 0, table.inputs])])

    def _add_offsets(self, y: str, x: str, matrix: Matrix, offsets: Region) -> str:
        """y plus what float offsets add: the sum of each block of x times its offset, in f32."""
        sums = self._sums(x, matrix)
        more = self._add("MatMul", [sums, self._tensor(offsets)])
        return self._add("Add", [y, self._to_activations(more)])

    def _sums(self, x: str, matrix: Matrix) -> str:
        """Sums of x over blocks, [B, S, blocks]; made once for all matrices that read x."""
        assert matrix.layout is not None
        size = matrix.layout.size
        if (x, size) not in self._block_sums:
            split = self._numbers("blocks", [0, 0, matrix.inputs // size, size])
            pieces = self._add("Reshape", [x, split])
            if self._type == TensorProto.FLOAT16:
                pieces = self._add("Cast", [pieces], to=TensorProto.FLOAT)
            axes = self._numbers("last", [-1])
            self._block_sums[x, size] = self._add("ReduceSum", [pieces, axes], keepdims=0)
        return self._block_sums[x, size]

    def _to_activations(self, x: str) -> str:
        if self._type == TensorProto.FLOAT:
            return x
        return self._add("Cast", [x], to=self._type)

    def _tensor(self, region: Region, dims: tuple[int, ...] | None = None) -> str:
        """An initializer in the data file; two may lie at one place with different shapes."""
        name = region.name if dims is None else f"{region.name}.flat"
        if name not in self._initializers:
            self._initializers[name] = _external(name, region, dims or region.shape)
        return name

    def _numbers(self, word: str, values: list[int]) -> str:
        array: NDArray[np.int64] = np.array(values, dtype=np.int64)
        name = f"{word}.{'.'.join(map(str, values))}"
        self._initializers.setdefault(name, onnx.numpy_helper.from_array(array, name))
        return name

    def _add(
        self, op: str, inputs: list[str], more_outputs: list[str] | None = None, **attributes: Any
    ) -> str:
        return self._add_many(op, inputs, ["y", *(more_outputs or [])], **attributes)[0]

    def _add_many(
        self, op: str, inputs: list[str], outputs: list[str], **attributes: Any
    ) -> list[str]:
        node = f"{op}_{len(self._nodes)}"
        short = ("y", "gate", "up")
        names = [f"{node}.{each}" if each in short else each for each in outputs]
        domain = "com.microsoft" if op in _CONTRIB else ""
        self._nodes.append(
            helper.make_node(op, inputs, names, name=node, domain=domain, **attributes)
        )
        return names


def _external(name: str, region: Region, dims: tuple[int, ...]) -> TensorProto:
    tensor = TensorProto(name=name, data_type=_TYPES[region.dtype.name], dims=dims)
    tensor.data_location = TensorProto.EXTERNAL
    where = {"location": DATA_NAME, "offset": region.offset, "length": region.length}
    for key, value in where.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor
