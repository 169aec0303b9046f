"""A file of ours by its path: a measured record or an imported one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from edgebench import files
from edgebench.errors import BadInput
from edgebench.schema.imported import Imported
from edgebench.schema.result import Result

if TYPE_CHECKING:
    from pathlib import Path

Record = Result | Imported
# `kind` is the first key that we write; a measured record has none.
MARK = b'"kind"'
EXPERIMENT = b'"record": "experiment"'
VERDICTS = b'"record": "verdicts"'
# gzip, zip, xz, bzip2, Zstandard.
PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"\xfd7zXZ", b"BZh", b"\x28\xb5\x2f\xfd")
HEAD_BYTES = 64


def read(path: Path) -> Record:
    """As `read_strictly`, three times as fast on a sound record.

    Duplicate keys, which only the slow reader sees, are found by `edgebench check`.
    """
    try:
        if path.is_file() and path.stat().st_size <= files.MAX_FILE_BYTES:
            return of_bytes(path.read_bytes())
    except (OSError, ValidationError):
        pass
    return read_strictly(path)


def of_bytes(data: bytes) -> Record:
    """Raises pydantic's ValidationError."""
    if MARK in data[:HEAD_BYTES]:
        return Imported.model_validate_json(data)
    return Result.model_validate_json(data)


def read_strictly(path: Path) -> Record:
    """Raises BadInput with file and field, and for an experiment or verdicts."""
    _refuse_others(path)
    return files.read_json(path, Imported) if _is_imported(path) else files.read_json(path, Result)


def read_measured(path: Path) -> Result:
    """One of `edgebench run`. Raises BadInput for an imported one, which nobody verified."""
    _refuse_others(path)
    if _is_imported(path):
        raise BadInput(
            f"{path} is an imported record: its output was never verified.",
            "Measure with edgebench run.",
        )
    return files.read_json(path, Result)


def is_verdicts(path: Path) -> bool:
    """What `edgebench claims judge -o` wrote: it says something of records, and is none."""
    return VERDICTS in _head(path)


def other(data: bytes) -> tuple[str, str] | None:
    """What a file that begins so is instead of a record, and what to do with it."""
    head = data[:HEAD_BYTES]
    if VERDICTS in head:
        return "holds verdicts and no record", "Show them with edgebench report."
    if EXPERIMENT in head:
        return "is an experiment of the claims suite", "Read it with edgebench claims judge."
    if head.startswith(PACKED):
        return "is compressed", "Unpack it first."
    return None


def _refuse_others(path: Path) -> None:
    if (known := other(_head(path))) is not None:
        problem, remedy = known
        raise BadInput(f"{path} {problem}.", remedy)


def _is_imported(path: Path) -> bool:
    return MARK in _head(path)


def _head(path: Path) -> bytes:
    """Of a regular file: from a pipe, what is read here would be missing afterwards."""
    if not path.is_file():
        return b""
    try:
        with path.open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except OSError:
        return b""
