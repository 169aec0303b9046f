"""One process at a time, for files that several may make and for the machine they measure on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from edgebench.errors import CannotWrite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextmanager
def held(lock: Path, say: Callable[[str], None], waiting: str, remedy: str) -> Iterator[None]:
    """Hold `lock`, saying `waiting` when another process has it. It goes when its holder dies.

    Raises CannotWrite, with `remedy`, when its folder cannot be made or written.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        holder = FileLock(lock)
        try:
            holder.acquire(timeout=0)
        except Timeout:
            say(waiting)
            holder.acquire()
    except OSError as error:
        problem = f"{lock.parent} cannot be written: {error.strerror}."
        raise CannotWrite.of(problem, error, remedy) from None
    try:
        yield
    finally:
        holder.release()
