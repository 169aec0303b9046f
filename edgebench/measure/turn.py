"""Two runs on one machine take turns, launch by launch, instead of disturbing each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.locks import held

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

WAITING = "another run is measuring on this machine: waiting for its launch to end"


def take(lock: Path, say: Callable[[str], None]) -> AbstractContextManager[None]:
    """Hold the machine while something is measured; says so when another run must be awaited."""
    return held(lock, say, WAITING, "Set EDGEBENCH_CACHE to a folder that can be written.")
