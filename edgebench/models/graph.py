"""An ONNX file given by path: what it says of itself, and the GGUF file that it was made from."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from edgebench.errors import BadModel
from edgebench.models.cache import hash_file
from edgebench.models.made import sealed_sha256
from edgebench.models.onnx_check import check
from edgebench.models.onnx_exported import Description, describe
from edgebench.schema.cell import MeasuredFile
from edgebench.schema.model import Shape

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.models.onnx_exported import Exported
    from edgebench.models.progress import Progress

NOT_OURS = (
    "The graph was made by others: there are no float32 weights of the same model to hold its "
    "output against."
)


class Graph(NamedTuple):
    """What a run needs to know of an ONNX file. `activations` is int8, fp32, fp16 or mixed.

    `files` are the graph and its external data, `vocabulary` and `context` are None where the
    file does not say; `exported` tells of what it was made, for edgebench's own exports.
    """

    path: Path
    activations: str
    files: tuple[Path, ...]
    vocabulary: int | None
    context: int | None
    exported: Exported | None

    @property
    def kv_type(self) -> str:
        """The cache has the type of the activations; GroupQueryAttention knows these two."""
        return "f16" if self.activations == "fp16" else "f32"

    @property
    def unverifiable(self) -> str:
        """Why its output cannot be held against a reference."""
        if self.exported is None or self.exported.weights_id is None:
            return NOT_OURS
        return (
            f"The GGUF file that the graph was made from (sha256 {self.exported.weights_id}) is "
            "not in the cache, and with it the reference: fetch or make it again."
        )


def read_graph(path: Path) -> tuple[Graph, Description]:
    """Checked from end to end, without its weights.

    Raises BadInput, and BadModel for an unsound file or one that does not say its vocabulary.
    """
    facts = check(path)
    said = describe(facts)
    if said.vocabulary is None:
        raise BadModel(
            f"{path}: the last dimension of its output 'logits' is not a number.",
            "Export it with a fixed vocabulary.",
        )
    context = int(said.shape["context"]) if said.shape else None
    files = (path, *facts.data_files)
    return Graph(path, said.activations, files, said.vocabulary, context, said.exported), said


def gguf_of(graph: Graph, cache: Path) -> Path | None:
    """The GGUF file that the graph's weights came from, where the cache has it intact."""
    wanted = graph.exported.weights_id if graph.exported else None
    if wanted is None:
        return None
    found = sorted((cache / "models").rglob("*.gguf"))
    return next((path for path in found if sealed_sha256(path) == wanted), None)


def facts_of(graph: Graph, said: Description, source: str, progress: Progress) -> MeasuredFile:
    """The record's entry for a graph that stands for itself."""
    return MeasuredFile(
        name=graph.path.name,
        model=None,
        quant=said.quant,
        sha256=hash_files(graph.files, progress),
        size_bytes=sum(path.stat().st_size for path in graph.files),
        architecture="llama" if said.shape else "unknown",
        shape=Shape.model_validate(said.shape) if said.shape else None,
        tensor_types=said.tensor_types or {},
        weights="real",
        seed=None,
        chain=(said.quant,),
        source=source,
    )


def hash_files(files: tuple[Path, ...], progress: Progress) -> str:
    """SHA-256 of one file; of several, that of the lines `<sha256>  <name>` that sha256sum prints,
    the graph first and then its external data by name.
    """
    if len(files) == 1:
        return hash_file(files[0], progress)
    lines = [f"{hash_file(path, progress)}  {path.name}\n" for path in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
