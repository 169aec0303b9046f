"""A large file that is made here: under its name it is whole, or it is not there."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edgebench.errors import CannotWrite, Interrupted
from edgebench.locks import held
from edgebench.models.made import kept
from edgebench.models.part import ELSEWHERE
from edgebench.models.world import disk_free as free_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from edgebench.models.progress import Progress
    from edgebench.schema.model import MadeFile

    DiskFree = Callable[[Path], int]


def alone(target: Path, progress: Progress) -> AbstractContextManager[None]:
    """Hold the lock beside `target`, waiting, with a note, while another process makes it.

    Raises CannotWrite when the folder cannot be made or written.
    """
    waiting = f"another process is making {target.name}; waiting for it"
    return held(target.with_name(f"{target.name}.lock"), progress.note, waiting, ELSEWHERE)


def once(target: Path, progress: Progress, make: Callable[[], MadeFile]) -> MadeFile:
    """The record of the file at `target`, which `make` makes unless it is there and intact.

    Two processes may ask at once: one makes it, the other waits.
    """
    if (record := kept(target, progress)) is None:
        with alone(target, progress):
            record = kept(target, progress) or make()
    return record


@contextmanager
def becoming(target: Path, needed_bytes: int, disk_free: DiskFree = free_bytes) -> Iterator[Path]:
    """A path to write to, which gets the name `target` when the block ends without an error.

    Whoever writes holds `alone`: what a killed process left there is overwritten. Raises
    CannotWrite before anything is written where the disk has no room for `needed_bytes`, or
    when it refuses later; Interrupted for Ctrl-C. Nothing is left behind then.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        free = disk_free(target.parent)
        if needed_bytes > free:
            raise full(target, f"{free:,} bytes are free", needed_bytes)
        yield part
        _sync(part)
        part.replace(target)
    except OSError as error:
        found = full(target, error.strerror or str(error), needed_bytes)
        raise CannotWrite.of(found.problem, error, found.remedy) from None
    except KeyboardInterrupt:
        raise Interrupted(
            f"Interrupted while making {target.name}; nothing of it is left behind.",
            "The same command starts it anew.",
        ) from None
    finally:
        part.unlink(missing_ok=True)


def full(target: Path, why: str, needed_bytes: int) -> CannotWrite:
    """The refusal of a disk, with the space that would have been enough."""
    problem = f"{target} could not be written: {why}; {needed_bytes:,} bytes are needed."
    return CannotWrite(problem, ELSEWHERE)


def _sync(part: Path) -> None:
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
