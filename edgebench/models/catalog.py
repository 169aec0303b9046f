"""The models that are known by name, read from models.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench import files
from edgebench.errors import UnknownName
from edgebench.schema.model import Catalog, Model, ModelFile

if TYPE_CHECKING:
    from pathlib import Path


def load_catalog(path: Path | None = None) -> Catalog:
    """The catalogue at `path`, by default the one that ships with edgebench.

    Raises BadInput, with file and line, when it breaks the schema.
    """
    return files.read_yaml(path or files.packaged("models.yaml"), Catalog)


def find(catalog: Catalog, name: str) -> Model:
    """The model of that name. Raises UnknownName with the closest one offered."""
    if name not in catalog.models:
        raise UnknownName.of("model", name, catalog.models, "`--file` takes any GGUF.")
    return catalog.models[name]


def choose_file(name: str, model: Model, quant: str | None) -> ModelFile:
    """The file of `model` in that quantization, upper or lower case; without one, its first.

    Raises UnknownName, which lists the quantizations that there are.
    """
    if quant is None:
        return model.files[0]
    for file in model.files:
        if file.quant.lower() == quant.lower():
            return file
    raise UnknownName.of(f"quantization of {name}", quant, [f.quant for f in model.files])
