"""Two runs on one machine take turns, launch by launch, instead of disturbing each other."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from edgebench.errors import CannotWrite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextlib.contextmanager
def take(lock: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the machine while something is measured; says so when another run must be awaited."""
    holder = FileLock(lock)
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        holder.acquire(blocking=False)
    except Timeout:
        say("another run is measuring on this machine: waiting for its launch to end")
        holder.acquire()
    except OSError as error:
        raise CannotWrite(
            f"{lock}: {error.strerror}.", "Set EDGEBENCH_CACHE to a folder."
        ) from None
    try:
        yield
    finally:
        holder.release()
