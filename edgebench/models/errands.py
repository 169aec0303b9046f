"""What `edgebench models` does: each errand takes a model's name and returns the files it saw to.

All raise UnknownName for a model or format that there is not.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgebench.errors import BadInput, CannotWrite, FileUnavailable, HashMismatch
from edgebench.models import catalog, fetch, formats
from edgebench.models import quantize as quantizer
from edgebench.models import synthesize as synthesizer
from edgebench.models.cache import Place, hash_file
from edgebench.models.made import made, seal, sidecar
from edgebench.models.making import alone
from edgebench.models.part import ELSEWHERE
from edgebench.models.shelf import files_of, made_file, published_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.models.progress import Progress
    from edgebench.schema.model import Model, ShelfFile


def fetched(
    name: str, quants: Sequence[str], *, cache: Path, progress: Progress
) -> tuple[ShelfFile, ...]:
    """The model's files in those formats (its first, without any), downloaded if need be."""
    model = _find(name)
    chosen = [catalog.choose_file(name, model, quant) for quant in quants or (None,)]
    for file in chosen:
        fetch.ensure(file, cache=cache, progress=progress)
    return tuple(published_file(name, model, file, cache) for file in chosen)


def verified(
    name: str, quants: Sequence[str], *, cache: Path, progress: Progress
) -> tuple[ShelfFile, ...]:
    """Reads every cached file of the model again, whole.

    Raises HashMismatch for the first that is not what it was, FileUnavailable when none is here.
    """
    model = _find(name)
    here = _cached(name, model, quants, cache)
    for file in here:
        _verify(model, file, cache, progress)
    return _cached(name, model, quants, cache)


def quantized(
    name: str,
    to: Sequence[str],
    *,
    source: str | None,
    cache: Path,
    progress: Progress,
    allow_requantize: bool,
    threads: int,
) -> tuple[ShelfFile, ...]:
    """Other formats of the model's `source` file (its first, by default), by llama.cpp."""
    if not to:
        raise BadInput("--to names no weight format.", "For example: --to q4_0,q8_0.")
    for quant in to:
        formats.check_shape(_find(name).shape, formats.find_format(quant))
    (start,) = fetched(name, (source,) if source else (), cache=cache, progress=progress)
    path = Path(start.path)
    origin = quantizer.Source(name, path, start.sha256 or hash_file(path, progress))
    done = []
    for quant in to:
        found = quantizer.quantize(
            origin, quant, cache=cache, progress=progress,
            allow_requantize=allow_requantize, threads=threads,
        )  # fmt: skip
        done.append(made_file(name, *found))
    return tuple(done)


def synthesized(
    name: str, quants: Sequence[str], *, seed: int, cache: Path, progress: Progress
) -> tuple[ShelfFile, ...]:
    """Synthetic twins of the model in those formats (its first, without any)."""
    model = _find(name)
    for quant in quants:
        formats.check_shape(model.shape, formats.find_format(quant))
    done = []
    for wanted in quants or (None,):
        found = synthesizer.synthetic_file(
            name, model, wanted, seed, cache=cache, progress=progress
        )
        done.append(made_file(name, *found))
    return tuple(done)


def removable(name: str, quants: Sequence[str], *, cache: Path) -> tuple[ShelfFile, ...]:
    """The model's cached files in those formats, all of them without any.

    Raises FileUnavailable when there is none.
    """
    return _cached(name, _find(name), quants, cache)


def remove(files: Sequence[ShelfFile], progress: Progress) -> None:
    """Delete these files and the small ones beside them. Raises CannotWrite."""
    for file in files:
        path = Path(file.path)
        place = Place(path)
        with alone(path, progress):
            for each in (path, sidecar(path), place.record, place.seal):
                try:
                    each.unlink(missing_ok=True)
                except OSError as error:
                    problem = f"{each} could not be removed: {error.strerror}."
                    raise CannotWrite(problem, ELSEWHERE) from None


def _find(name: str) -> Model:
    return catalog.find(catalog.load_catalog(), name)


def _cached(name: str, model: Model, quants: Sequence[str], cache: Path) -> tuple[ShelfFile, ...]:
    wanted = {quant.lower() for quant in quants}
    here = tuple(
        file
        for file in files_of(name, model, cache)
        if file.cached and (not wanted or file.quant.lower() in wanted)
    )
    if not here:
        what = " or ".join((*quants, "")[:-1]) or "file"
        raise FileUnavailable(
            f"No {what} of {name} is cached.", f"edgebench models fetch {name} brings one."
        )
    return here


def _verify(model: Model, file: ShelfFile, cache: Path, progress: Progress) -> None:
    path = Path(file.path)
    for published in model.files:
        if Place.of(published, cache).path == path:
            fetch.verify(published, cache=cache, progress=progress)
            return
    sha256 = hash_file(path, progress)
    if made(path, sha256) is None:
        raise HashMismatch(
            f"{path} is not the file that was made: its record names another SHA-256, or is gone.",
            "Remove it, and make it again.",
        )
    seal(path, sha256)
