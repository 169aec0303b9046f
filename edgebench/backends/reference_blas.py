"""The OpenBLAS that NumPy's wheels bring: its threads, and what it says of itself.

Found among the libraries that are mapped, so importing NumPy comes first. A NumPy with another
BLAS (a distribution's, say) keeps the threads it chose, and the record says so.
"""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

MAPS = Path("/proc/self/maps")


class Blas(NamedTuple):
    """`library` is empty where it is not OpenBLAS; `features` are read back from it."""

    library: str
    features: tuple[str, ...]


def hold_threads(threads: int, maps: Path = MAPS, load: Callable[[str], Any] = ctypes.CDLL) -> Blas:
    """Set the BLAS's threads for this process and say what it then has."""
    path = _mapped(maps)
    if path is None:
        return Blas("", ("blas=unknown", "threads=not_held"))
    library = load(path)
    take, count, core = (_function(library, name) for name in ("set", "get", "core"))
    if take is None or count is None:
        return Blas(path, ("blas=openblas", "threads=not_held"))
    take(threads)
    named = (f"core={_text(core)}",) if core else ()
    return Blas(path, ("blas=openblas", *named, f"threads={count()}"))


def _mapped(maps: Path) -> str | None:
    try:
        text = maps.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(r"(/\S*openblas\S*\.so\S*)", text)
    return found[1] if found else None


def _function(library: Any, what: str) -> Any:
    """By OpenBLAS's own name, or as NumPy's wheels rename it."""
    name = {"set": "set_num_threads", "get": "get_num_threads", "core": "get_corename"}[what]
    for spelled in (f"scipy_openblas_{name}64_", f"openblas_{name}64_", f"openblas_{name}"):
        if hasattr(library, spelled):
            return getattr(library, spelled)
    return None


def _text(function: Any) -> str:
    function.restype = ctypes.c_char_p
    return str((function() or b"").decode(errors="replace"))
