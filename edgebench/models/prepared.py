"""A model file on disk, checked before any engine opens it, with what the record says of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from edgebench.errors import BadInput
from edgebench.models.cache import hash_file
from edgebench.models.cost import Weight, weights_in
from edgebench.models.gguf import read_header
from edgebench.models.graph import Graph, facts_of, gguf_of, read_graph
from edgebench.models.llama import describe
from edgebench.models.made import origin
from edgebench.schema.cell import MeasuredFile
from edgebench.schema.model import Shape

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.models.progress import Progress

FAKE_LIMIT_BYTES = 1 << 20


class Prepared(NamedTuple):
    """`format` is what backends say they read: gguf, onnx, or fake for a script of times.

    `weights` lists the tensors, for predicting memory; `warning` is a sentence about the file
    that belongs to every record made with it. `graph` is the ONNX file that was given: with the
    format gguf it holds the very weights of `path`, with onnx it stands for itself.
    """

    path: Path
    format: str
    facts: MeasuredFile
    has_tokenizer: bool
    weights: tuple[Weight, ...] = ()
    warning: str | None = None
    graph: Graph | None = None

    @property
    def vocabulary(self) -> int:
        """Token ids lie below this."""
        shape, graph = self.facts.shape, self.graph
        return shape.vocabulary if shape else (graph and graph.vocabulary) or 0

    @property
    def context(self) -> int | None:
        """The most positions that the model was made for; None where the file does not say."""
        return self.facts.shape.context if self.facts.shape else None


def prepare(
    path: Path,
    *,
    source: str,
    cache: Path,
    progress: Progress,
    model: str | None = None,
    sha256: str | None = None,
) -> Prepared:
    """Read the header, check every claim in it against the file, and hash the file.

    `sha256` is given where it was just verified. `cache` is where the GGUF file is looked for
    that an ONNX graph was made from. Raises BadInput and BadModel.
    """
    if path.suffix.lower() == ".onnx":
        return _prepare_graph(path.absolute(), source, cache, progress)
    if script := _fake_script(path):
        return _prepare_fake(path, script, progress)
    header = read_header(path)
    found = describe(header)
    hashed = sha256 or hash_file(path, progress)
    made = origin(path, hashed)
    facts = MeasuredFile(
        name=path.name,
        model=model,
        quant=found.quant,
        sha256=hashed,
        size_bytes=path.stat().st_size,
        architecture=found.architecture,
        shape=found.shape,
        tensor_types=found.tensor_types,
        weights=made.weights,
        seed=made.seed,
        chain=made.chain,
        source=source,
    )
    return Prepared(path.absolute(), "gguf", facts, found.has_tokenizer, weights_in(header))


def _prepare_graph(path: Path, source: str, cache: Path, progress: Progress) -> Prepared:
    """Our own export is the GGUF file that it came from, in another container, where that is
    here; else the graph stands for itself, and has no tokenizer.
    """
    graph, said = read_graph(path)
    if gguf := gguf_of(graph, cache):
        sha256 = graph.exported.weights_id if graph.exported else None
        found = prepare(gguf, source=source, cache=cache, progress=progress, sha256=sha256)
        return found._replace(graph=graph)
    facts = facts_of(graph, said, source, progress)
    return Prepared(path, "onnx", facts, has_tokenizer=False, graph=graph)


def _fake_script(path: Path) -> dict[str, object] | None:
    """The script of the fake backend, where `path` is one; else None."""
    try:
        if path.suffix != ".json" or path.stat().st_size > FAKE_LIMIT_BYTES:
            return None
        script = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}.", "Check the path.") from None
    except ValueError:
        return None
    return script if isinstance(script, dict) and "edgebench_fake" in script else None


def _prepare_fake(path: Path, script: dict[str, object], progress: Progress) -> Prepared:
    vocabulary = script.get("vocabulary", 32)
    if not isinstance(vocabulary, int) or not 1 <= vocabulary <= 1_000_000:
        raise BadInput(f"{path}: vocabulary must be a whole number from 1 to 1000000.")
    shape = Shape(
        layers=1,
        hidden=32,
        ffn=32,
        heads=1,
        kv_heads=1,
        vocabulary=vocabulary,
        context=8192,
        rope_base=10000.0,
        tied_embeddings=True,
    )
    facts = MeasuredFile(
        name=path.name,
        model=None,
        quant="none",
        sha256=hash_file(path, progress),
        size_bytes=path.stat().st_size,
        architecture="fake",
        shape=shape,
        tensor_types={"F32": 1},
        weights="synthetic",
        seed=None,
        chain=(),
        source="script of the fake backend",
    )
    return Prepared(path.absolute(), "fake", facts, has_tokenizer=True)
