"""Whether files can be kept in a folder that may not exist yet, without leaving anything there."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from edgebench.schema.doctor import CacheFound


def cache_found(folder: Path, home: Path | None = None) -> CacheFound:
    """The cache folder as it is, or as it could be made."""
    return CacheFound(
        path=shown(folder, home or Path.home()),
        free_bytes=free_bytes(folder),
        why_not=why_not_writable(folder, home),
    )


def why_not_writable(folder: Path, home: Path | None = None) -> str | None:
    """A sentence with its remedy, or None where this user can make files in `folder`."""
    there = _nearest(folder)
    name = shown(there, home or Path.home())
    remedy = "Set EDGEBENCH_CACHE to a folder that this user can write."
    if not there.is_dir():
        return f"{name} is not a folder. {remedy}"
    try:
        tempfile.TemporaryFile(dir=there).close()
    except OSError as error:
        return f"{name} cannot be written: {error.strerror}. {remedy}"
    return None


def shown(path: Path, home: Path) -> str:
    """The path with `~` for the home folder: what is printed here gets pasted into reports."""
    return str("~" / path.relative_to(home)) if path.is_relative_to(home) else str(path)


def free_bytes(folder: Path) -> int | None:
    """What this user can still write there; None where the system does not say."""
    try:
        return shutil.disk_usage(_nearest(folder)).free
    except OSError:
        return None


def _nearest(folder: Path) -> Path:
    """The folder itself, or the first of its parents that this user can see."""
    return next(path for path in (folder, *folder.parents) if _seen(path))


def _seen(path: Path) -> bool:
    """A folder that may not be entered hides what is in it."""
    try:
        return path.exists()
    except PermissionError:
        return False
