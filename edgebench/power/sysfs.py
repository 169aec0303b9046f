"""Reads a number that the kernel keeps in a small file, or says why it cannot."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from edgebench.power import Reading

if TYPE_CHECKING:
    from pathlib import Path

GONE = {errno.ENOENT, errno.ENODEV, errno.ENXIO}


class Numbers:
    """Files that stay open between looks, because opening one costs more than reading it.

    This happens ten times a second beside a measurement: two system calls, no walk along a path.
    The kernel answers ENODEV for a sensor that left; an ordinary file that was removed or replaced
    has no name any more, and is looked for anew.
    """

    def __init__(self) -> None:
        self._open: dict[Path, int] = {}

    def read(self, path: Path) -> Reading:
        """The decimal number in the file now."""
        try:
            return Reading(float(int(os.pread(self._descriptor(path), 64, 0))))
        except ValueError:
            return Reading(None, f"{path.name} holds no number.")
        except PermissionError:
            return Reading(None, f"This user may not read {path.name}.")
        except OSError as error:
            self._forget(path)
            if error.errno in GONE:
                return Reading(None, f"{path.name} disappeared while it was measured.")
            return Reading(None, f"{path.name} could not be read: {error.strerror}.")

    def _descriptor(self, path: Path) -> int:
        known = self._open.get(path)
        if known is not None and os.fstat(known).st_nlink:
            return known
        self._forget(path)
        self._open[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        return self._open[path]

    def _forget(self, path: Path) -> None:
        if (known := self._open.pop(path, None)) is not None:
            os.close(known)

    def __del__(self) -> None:
        for path in tuple(self._open):
            self._forget(path)


def number(path: Path) -> Reading:
    """The decimal number in a file that is read seldom: it does not stay open."""
    return Numbers().read(path)


def readable(path: Path) -> bool:
    """Whether this user may read it."""
    return os.access(path, os.R_OK)
