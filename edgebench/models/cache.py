"""Where model files lie in the cache, and how we know without reading 4 GB that one is intact."""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple, Self

from edgebench import files
from edgebench.errors import CannotWrite, HashMismatch
from edgebench.models.part import BLOCK_BYTES, ELSEWHERE

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from edgebench.models.progress import Progress
    from edgebench.schema.model import ModelFile


class Place(NamedTuple):
    """`<cache>/models/<start of the sha256>/<file name>` and the small files beside it.

    A file that the catalogue does not pin lies under `unpinned-<hash of its sources>`, so that
    two repositories' files of one name stay apart.
    """

    path: Path

    @classmethod
    def of(cls, file: ModelFile, cache: Path) -> Self:
        sources = json.dumps([source.model_dump() for source in file.sources])
        unpinned = f"unpinned-{hashlib.sha256(sources.encode()).hexdigest()[:12]}"
        return cls(cache / "models" / (file.sha256[:12] if file.sha256 else unpinned) / file.file)

    @property
    def lock(self) -> Path:
        return self.path.with_name(f"{self.path.name}.lock")

    @property
    def record(self) -> Path:
        """The hash seen first, where the catalogue has none; `sha256sum -c` reads it."""
        return self.path.with_name(f"{self.path.name}.sha256")

    @property
    def seal(self) -> Path:
        """Hash and file times of the last full reading."""
        return self.path.with_name(f"{self.path.name}.verified.json")


def expected_sha256(file: ModelFile, place: Place) -> str | None:
    """The catalogue's hash, else the one recorded at first sight, else None."""
    if file.sha256 is not None:
        return file.sha256
    try:
        return place.record.read_text("utf-8").split()[0]
    except (OSError, UnicodeDecodeError, IndexError):
        return None


def check(file: ModelFile, place: Place, progress: Progress, *, trust_seal: bool) -> str:
    """The SHA-256 of the file in `place`, read only if it changed since it was last read.

    Raises HashMismatch unless it is the promised or the recorded one.
    """
    status = place.path.stat()
    _compare(place, "size in bytes", status.st_size, file.size_bytes)
    expected = expected_sha256(file, place)
    if trust_seal and expected and _seal(place) == _seal_text(expected, status):
        return expected
    found = hash_file(place.path, progress)
    _compare(place, "SHA-256", found, expected)
    settle(file, place, found, status)
    return found


def settle(file: ModelFile, place: Place, sha256: str, status: os.stat_result) -> None:
    """Remember that the file with this `status` has this hash; the seal is only a short cut."""
    if file.sha256 is None and not place.record.exists():
        files.write_atomic(place.record, f"{sha256}  {file.file}\n", ELSEWHERE)
    with contextlib.suppress(CannotWrite):
        files.write_atomic(place.seal, _seal_text(sha256, status), ELSEWHERE)


def hash_file(path: Path, progress: Progress) -> str:
    """SHA-256 of a file, read in blocks."""
    digest = hashlib.sha256()
    progress.start(f"checking {path.name}", path.stat().st_size, 0)
    try:
        with path.open("rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                digest.update(block)
                progress.advance(len(block))
    finally:
        progress.finish()
    return digest.hexdigest()


def _compare(place: Place, what: str, found: object, promised: object) -> None:
    if promised is not None and found != promised:
        raise HashMismatch(
            f"{place.path}: {what} is {found}, not {promised}.",
            "Delete the file to have it fetched again.",
        )


def _seal(place: Place) -> str | None:
    try:
        return place.seal.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _seal_text(sha256: str, status: os.stat_result) -> str:
    seal = {
        "sha256": sha256,
        "size_bytes": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "inode": status.st_ino,
    }
    return json.dumps(seal) + "\n"
