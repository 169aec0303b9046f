"""How fast this machine multiplies float32 matrices: numpy's BLAS, one product per thread.

Each thread multiplies matrices of its own with a BLAS held to one thread, so no barrier of a
thread pool is in the figure; they are small enough to stay in caches, so no memory either.
"""

from __future__ import annotations

import ctypes
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edgebench.machine.together import fastest_ns

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 512
HOLDS_BLAS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")
# numpy's wheels rename OpenBLAS's symbols; Linux distributions do not.
CORE_NAMES = ("scipy_openblas_get_corename64_", "openblas_get_corename64_", "openblas_get_corename")


def measure(threads: int, trials: int, _size: int, clock: Callable[[], int]) -> dict[str, object]:
    """The fastest trial. To be called in a process that has not imported numpy yet."""
    os.environ.update(dict.fromkeys(HOLDS_BLAS, "1"))
    import numpy as np

    ones = np.ones((SIZE, SIZE), dtype=np.float32)
    works = [
        partial(np.matmul, ones.copy(), ones.copy(), out=np.empty_like(ones))
        for _ in range(threads)
    ]
    for work in works:
        # Touches the output, and every entry must be the sum of so many ones.
        if not (work() == SIZE).all():
            raise RuntimeError("numpy multiplied two matrices wrongly")
    rate = {
        "method": f"numpy matmul, {_blas()}",
        "operations": threads * 2 * SIZE**3,
        "fastest_ns": fastest_ns(works, trials=trials, clock=clock),
    }
    return {"rates": [rate]}


def kernel(root: Path = Path("/")) -> str | None:
    """The CPU that OpenBLAS chose its kernels for, once numpy is imported; None for other BLAS."""
    try:
        maps = (root / "proc/self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    paths = {line.split(maxsplit=5)[-1] for line in maps.splitlines() if "openblas" in line}
    for path in sorted(paths):
        library = ctypes.CDLL(path)
        for name in CORE_NAMES:
            if hasattr(library, name):
                function = getattr(library, name)
                function.restype = ctypes.c_char_p
                return str(function().decode(errors="replace"))
    return None


def _blas() -> str:
    import numpy as np

    built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    chosen = kernel()
    return f"{built['name']} {built['version']}{f', {chosen} kernels' if chosen else ''}"
