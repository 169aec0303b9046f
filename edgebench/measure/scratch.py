"""Folders for what is thrown away, beside the cache: what killed runs left goes the next time."""

from __future__ import annotations

import secrets
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from edgebench.errors import CannotWrite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REMEDY = "Free some space, or set EDGEBENCH_CACHE to a folder that can be written."


@contextmanager
def folder(cache: Path) -> Iterator[Path]:
    """An empty folder below `cache`, removed afterwards. Raises CannotWrite.

    On the same disk as what is kept, so that a finished file moves there whole. A lock beside it is
    held as long as its run lives: those that nobody holds were left by a kill, and are removed.
    """
    base = cache / "scratch"
    try:
        base.mkdir(parents=True, exist_ok=True)
        sweep(base)
        lock = base / f"{secrets.token_hex(8)}.lock"
        holder = FileLock(lock)
        holder.acquire()
        empty = lock.with_suffix("")
        empty.mkdir()
    except OSError as error:
        raise CannotWrite.of(f"{base}: {error.strerror}.", error, REMEDY) from None
    try:
        yield empty
    finally:
        _remove(lock)
        holder.release()


def sweep(base: Path) -> None:
    """Remove the folders whose runs are gone."""
    for lock in base.glob("*.lock"):
        try:
            with FileLock(lock).acquire(timeout=0):
                _remove(lock)
        except Timeout:
            continue


def _remove(lock: Path) -> None:
    """The folder first: were this interrupted, the lock still tells of it."""
    shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
    lock.unlink(missing_ok=True)
