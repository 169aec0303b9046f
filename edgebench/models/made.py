"""How a file came to be: downloaded as it is, made from random numbers, or made from another."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Literal, NamedTuple

from edgebench import files
from edgebench.errors import CannotWrite, EdgebenchError
from edgebench.models.cache import Place, hash_file
from edgebench.models.gguf import read_header
from edgebench.models.llama import quant_name
from edgebench.models.part import ELSEWHERE
from edgebench.schema.model import MadeFile

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.models.gguf import Header
    from edgebench.models.progress import Progress

WEIGHTS_KEY = "edgebench.weights"
SEED_KEY = "edgebench.seed"
SYNTHETIC = "synthetic"


class Origin(NamedTuple):
    """`chain` holds weight formats, the first known one first; a file as published has one."""

    weights: Literal["real", "synthetic"]
    seed: int | None
    chain: tuple[str, ...]


class Made(NamedTuple):
    """A file that edgebench made. `warning` says what it holds, where its name would mislead."""

    path: Path
    record: MadeFile
    warning: str | None


def origin(path: Path, sha256: str) -> Origin:
    """Where the weights of the GGUF file at `path`, which has this hash, come from.

    The file itself says whether its weights are synthetic, so that it is known without its
    sidecar and after being quantized. Raises BadModel and BadInput as `read_header` does.
    """
    header = read_header(path)
    record = made(path, sha256)
    chain = record.chain if record else (quant_name(header),)
    if header.metadata.get(WEIGHTS_KEY) != SYNTHETIC:
        return Origin("real", None, chain)
    return Origin("synthetic", _seed(header), chain)


def made(path: Path, sha256: str) -> MadeFile | None:
    """The sidecar of `path`, if there is one that speaks of the file with this hash."""
    try:
        record = files.read_json(sidecar(path), MadeFile)
    except EdgebenchError:
        return None
    return record if record.sha256 == sha256 else None


def kept(path: Path, progress: Progress) -> MadeFile | None:
    """The record of a made file that is there and intact, else None; read only if it changed."""
    if not path.exists():
        return None
    sealed = sealed_sha256(path)
    record = made(path, sealed or hash_file(path, progress))
    if record and not sealed:
        seal(path, record.sha256)
    return record


def record_of(path: Path) -> MadeFile | None:
    """The sidecar of `path` as long as the file has not changed since it was sealed; reads no
    weights, so that a list is quick.
    """
    sealed = sealed_sha256(path)
    return made(path, sealed) if sealed else None


def sidecar(path: Path) -> Path:
    """`<file>.made.json`."""
    return path.with_name(f"{path.name}.made.json")


def keep(path: Path, record: MadeFile) -> None:
    """Write the sidecar; before the file gets its name, so that no file is without one."""
    files.write_atomic(sidecar(path), files.to_json(record), ELSEWHERE)


def seal(path: Path, sha256: str) -> None:
    """Remember that the file as it lies there has this hash; only a short cut."""
    with contextlib.suppress(CannotWrite):
        text = json.dumps({"sha256": sha256, **_times(path)}) + "\n"
        files.write_atomic(Place(path).seal, text, ELSEWHERE)


def sealed_sha256(path: Path) -> str | None:
    """The hash of the file at `path` as long as it has not changed since it was sealed."""
    try:
        found = json.loads(Place(path).seal.read_text("utf-8"))
        sha256 = found.pop("sha256")
        return str(sha256) if found == _times(path) else None
    except (OSError, ValueError, KeyError, AttributeError):
        return None


def _times(path: Path) -> dict[str, int]:
    status = path.stat()
    return {
        "size_bytes": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "inode": status.st_ino,
    }


def _seed(header: Header) -> int | None:
    seed = header.metadata.get(SEED_KEY)
    return seed if type(seed) is int and seed >= 0 else None
