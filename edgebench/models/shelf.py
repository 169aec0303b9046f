"""What lies in the cache: files of the catalogue, and files that were made here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edgebench.models import catalog, cost, formats
from edgebench.models.cache import Place, expected_sha256
from edgebench.models.gguf import read_header
from edgebench.models.llama import describe, quant_name
from edgebench.models.made import record_of
from edgebench.schema.model import MadeFile, ModelCard, ShelfFile, ShelfModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.models.cost import Weight
    from edgebench.schema.model import Catalog, Model, ModelFile, Shape

FOLDERS = ("quantized", "synthetic")
_FORMATS = "|".join(sorted(formats.BASE, key=len, reverse=True))
_MADE = re.compile(
    rf"(?P<quant>{_FORMATS})(?:-as-(?P<holds>\w+))?-(?:seed(?P<seed>\d+)-v\d+|from-[0-9a-f]{{12}})\.gguf"
)


def shelf(known: Catalog, cache: Path) -> tuple[ShelfModel, ...]:
    """Every model of the catalogue with its files, cached or not, and what was made from it.

    Reads no weights: hashes are the ones that were recorded.
    """
    return tuple(
        ShelfModel(
            name=name,
            title=model.title,
            licence=model.licence,
            parameters=model.parameters,
            files=files_of(name, model, cache),
        )
        for name, model in known.models.items()
    )


def files_of(name: str, model: Model, cache: Path) -> tuple[ShelfFile, ...]:
    """The model's files: the catalogue's first, then what was made here."""
    published = [published_file(name, model, file, cache) for file in model.files]
    return (*published, *_made_files(name, model, cache))


def published_file(name: str, model: Model, file: ModelFile, cache: Path) -> ShelfFile:
    """A file of the catalogue as it stands in the cache, or as it would."""
    place = Place.of(file, cache)
    cached = place.path.exists()
    return ShelfFile(
        model=name,
        quant=file.quant,
        weights="real",
        path=str(place.path),
        cached=cached,
        size_bytes=place.path.stat().st_size if cached else file.size_bytes,
        sha256=expected_sha256(file, place) if cached else file.sha256,
        chain=(file.quant,),
        seed=None,
        default=file is model.files[0],
    )


def made_file(
    name: str | None, path: Path, record: MadeFile, warning: str | None = None
) -> ShelfFile:
    """A file that was made here and is there. `warning` says what it holds, if need be."""
    return ShelfFile(
        model=name,
        quant=record.quant,
        weights="real" if record.seed is None else "synthetic",
        path=str(path),
        cached=True,
        size_bytes=path.stat().st_size,
        sha256=record.sha256,
        chain=record.chain,
        seed=record.seed,
        warning=warning,
    )


def card(name: str, quant: str | None, cache: Path, *, context_tokens: int) -> ModelCard:
    """What one token costs this model in that format (its first, by default).

    The figures are those of a cached file where there is one, else of what llama.cpp's quantizer
    would make of the shape. Raises UnknownName.
    """
    model = catalog.find(catalog.load_catalog(), name)
    wanted = quant or model.files[0].quant
    found = _cached(name, model, wanted, cache)
    if found is None:
        known = formats.find_format(wanted)
        file = _Figures(model.shape, known, cost.weights_of(model.shape, known))
        return _card(name, model, file, context_tokens)
    header = read_header(Path(found.path))
    file = _Figures(describe(header).shape, quant_name(header), cost.weights_in(header))
    drawn = _card(name, model, file, context_tokens)
    return drawn.model_copy(update={"file": Path(found.path).name, "weights": found.weights})


class _Figures(NamedTuple):
    """What the figures of a card are of."""

    shape: Shape
    quant: str
    weights: tuple[Weight, ...]


def _card(name: str, model: Model, of: _Figures, context_tokens: int) -> ModelCard:
    return ModelCard(
        name=name,
        title=model.title,
        licence=model.licence,
        homepage=model.homepage,
        parameters=model.parameters,
        shape=of.shape,
        quant=of.quant,
        file=None,
        weights=None,
        weights_bytes=sum(weight.size_bytes for weight in of.weights),
        read_bytes_per_token=cost.read_bytes_per_token(of.shape, of.weights),
        kv_bytes_per_token=cost.kv_bytes_per_token(of.shape),
        flops_per_token=cost.flops_per_token(of.shape, context_tokens),
        context_tokens=context_tokens,
        tensor_types=cost.tensor_types(of.weights),
    )


def _cached(name: str, model: Model, quant: str, cache: Path) -> ShelfFile | None:
    """The file of that format that is here: published before made, real before synthetic."""
    here = [
        file
        for file in files_of(name, model, cache)
        if file.cached and file.quant.lower() == quant.lower()
    ]
    return min(here, key=lambda file: file.weights == "synthetic", default=None)


def _made_files(name: str, model: Model, cache: Path) -> Iterator[ShelfFile]:
    for folder in FOLDERS:
        for path in sorted((cache / "models" / folder).glob(f"{name}-*.gguf")):
            match = _MADE.fullmatch(path.name.removeprefix(f"{name}-"))
            if match:
                record = record_of(path)
                holds = formats.held(model.shape, match["quant"])
                warning = formats.warning(match["quant"], holds)
                found = made_file(name, path, record, warning) if record else _unsealed(path, match)
                yield found.model_copy(update={"model": name, "holds": match["holds"]})


def _unsealed(path: Path, match: re.Match[str]) -> ShelfFile:
    """A file that changed since it was made, or lost its record: only its name speaks for it."""
    seed = match["seed"]
    return ShelfFile(
        model=None,
        quant=match["quant"],
        weights="real" if seed is None else "synthetic",
        path=str(path),
        cached=True,
        size_bytes=path.stat().st_size,
        sha256=None,
        chain=(match["quant"],),
        seed=None if seed is None else int(seed),
        warning="it was changed after it was made, or its record is missing: verify it",
    )
