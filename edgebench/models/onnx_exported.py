"""What an exported graph says of itself, in the model's own metadata."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from edgebench.errors import BadModel
from edgebench.models.llama import quant_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Self

    from edgebench.models.gguf import Header
    from edgebench.models.llama import Dimensions
    from edgebench.models.onnx_check import Facts

# Raise it when the same GGUF file would give another graph: cached ones are then made anew.
EXPORTER_VERSION = 2
GRAPH_NAME = "model.onnx"
PREFIX = "edgebench."


class Exported(NamedTuple):
    """`weights_id` is the SHA-256 of the GGUF file whose weights the graph holds, every one equal;
    None where `derived` names tensors that are not.
    """

    path: Path
    weights_id: str | None
    derived: tuple[str, ...]

    @classmethod
    def of(cls, path: Path, metadata: Mapping[str, str]) -> Self:
        """From the metadata of a graph that `metadata_of` described."""
        derived = tuple(json.loads(metadata[f"{PREFIX}derived"]))
        return cls(path, None if derived else metadata[f"{PREFIX}gguf_sha256"], derived)


def part_of(folder: Path) -> Path:
    """Where the folder is while it is being made."""
    return folder.with_name(f"{folder.name}.part")


def metadata_of(
    header: Header, shape: Dimensions, activations: str, derived: tuple[str, ...], sha256: str
) -> dict[str, str]:
    """Key by key what the session and the record need of the graph."""
    types = Counter(tensor.type_name for tensor in header.tensors)
    described = {
        "exporter": EXPORTER_VERSION,
        "activations": activations,
        "gguf_sha256": sha256,
        "derived": json.dumps(derived),
        "quant": quant_name(header),
        "tensor_types": json.dumps(types),
        **{name: getattr(shape, name) for name in SHAPE},
    }
    return {f"{PREFIX}{key}": str(value) for key, value in described.items()}


class Description(NamedTuple):
    """What the record can say of an ONNX file; None is what the file does not say.

    `shape` has the fields of `schema.model.Shape`, and `exported` its origin, for our own graphs.
    """

    layers: int
    kv_heads: int | None
    head_dim: int | None
    vocabulary: int | None
    quant: str
    activations: str
    shape: dict[str, int | float | bool] | None
    tensor_types: dict[str, int] | None
    exported: Exported | None


def describe(facts: Facts) -> Description:
    """From a checked file. `quant` of a stranger's is `int4`, `int8`, `int4+int8`, or its float.

    Raises BadModel for a graph that claims to be ours and does not say what ours say.
    """
    past = [i for i in facts.inputs if i.name.startswith("past_")]
    dims = past[0].dims if past and len(past[0].dims) == 4 else (None,) * 4
    logits = next((o.dims[-1] for o in facts.outputs if o.name == "logits" and o.dims), None)
    described = Description(
        layers=len(past) // 2,
        kv_heads=_whole(dims[1]),
        head_dim=_whole(dims[3]),
        vocabulary=_whole(logits),
        quant="+".join(f"int{bits}" for bits in facts.bits) or facts.activations,
        activations=facts.activations,
        shape=None,
        tensor_types=None,
        exported=None,
    )
    return _as_ours(facts, described) if f"{PREFIX}exporter" in facts.metadata else described


def _as_ours(facts: Facts, described: Description) -> Description:
    said = {key.removeprefix(PREFIX): value for key, value in facts.metadata.items()}
    try:
        return described._replace(
            quant=said["quant"],
            activations=said["activations"],
            shape={name: kind(said[name]) for name, kind in SHAPE.items() if name in SCHEMA},
            tensor_types={str(k): int(v) for k, v in json.loads(said["tensor_types"]).items()},
            exported=Exported.of(facts.path, facts.metadata),
        )
    except (KeyError, ValueError, AttributeError, TypeError):
        raise BadModel(
            f"{facts.path}: it claims to be edgebench's and is described otherwise.",
            "Export it again.",
        ) from None


def _whole(dimension: int | str | None) -> int | None:
    return dimension if isinstance(dimension, int) else None


def _truth(text: str) -> bool:
    return text == "True"


SHAPE: dict[str, Callable[[str], int | float | bool]] = {
    "layers": int, "hidden": int, "ffn": int, "heads": int, "kv_heads": int, "vocabulary": int,
    "context": int, "rope_base": float, "tied_embeddings": _truth, "head_dim": int,
}  # fmt: skip
SCHEMA = frozenset(SHAPE) - {"head_dim"}
