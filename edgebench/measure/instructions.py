"""Executed instructions per call, where an emulator counts them.

scripts/arm/count.c, a plugin of QEMU's user-mode emulator, counts what a process executes. At
every system call of the number MARK, which no kernel knows, it appends its counters to a file
named by the process id in the folder EDGEBENCH_INSTRUCTIONS. A session is marked here before and
after each call, and what was counted is read when the trial is over.

Standard library only: imported by the worker before any engine.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from struct import error as struct_error
from struct import iter_unpack
from typing import TYPE_CHECKING, Any

from edgebench.backends import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgebench.backends import Dispatched, Logits, Session

    Counts = dict[str, int]

VARIABLE = "EDGEBENCH_INSTRUCTIONS"
MARK = 0x5EB0
# The order in which the plugin writes; dot and matrix products are among the others as well.
CLASSES = (
    "total", "integer", "branch", "load_store", "fp_simd", "sve", "sme", "dot_product",
    "matrix_product",
)  # fmt: skip


class Counting:
    """A session whose calls are counted. It never times itself either."""

    def __init__(self, session: Session, marks: Path, mark: Callable[[], object]) -> None:
        self._session, self._marks, self._mark = session, marks, mark
        self._prefills: list[int] = []
        self._calls = 0
        self.tokenize = session.tokenize

    @property
    def kv_cache_bytes(self) -> int | None:
        return self._session.kv_cache_bytes

    def dispatched(self) -> Dispatched:
        return self._session.dispatched()

    def reset(self) -> None:
        """Forget the tokens; what was counted is kept until `taken`."""
        self._session.reset()

    def prefill(self, tokens: Sequence[int], *, every: bool = False) -> Logits:
        self._prefills.append(self._calls)
        self._calls += 1
        self._mark()
        logits = self._session.prefill(tokens, every=every)
        self._mark()
        return logits

    def decode(self, tokens: Sequence[int]) -> Logits:
        self._calls += 1
        self._mark()
        logits = self._session.decode(tokens)
        self._mark()
        return logits

    def taken(self, *, with_prompt: bool) -> dict[str, Any]:
        """A trial's `instructions`; of several prefills the last is the prompt's.

        Raises EngineError when nothing counted.
        """
        counts = between(self._marks.read_bytes() if self._marks.exists() else b"")
        if len(counts) != self._calls:
            raise EngineError(f"{VARIABLE} is set, and nothing counts: no QEMU plugin runs")
        prompts, self._prefills = self._prefills, []
        self._calls = 0
        self._marks.unlink(missing_ok=True)
        steps = [each for place, each in enumerate(counts) if place not in prompts]
        return {"prefill": counts[prompts[-1]] if with_prompt else None, "steps": steps}


def between(marks: bytes) -> list[Counts]:
    """Counts between each first and second mark. Raises EngineError for a broken file."""
    layout = f"={len(CLASSES)}Q"
    try:
        rows = list(iter_unpack(layout, marks))
        pairs = zip(rows[::2], rows[1::2], strict=True)
        return [
            {name: b - a for name, a, b in zip(CLASSES, before, after, strict=True)}
            for before, after in pairs
        ]
    except (ValueError, struct_error) as error:
        raise EngineError(f"the counts of instructions are incomplete: {error}") from None


def counting(session: Session, environ: Mapping[str, str] = os.environ) -> Counting | None:
    """`session` with its calls counted, or None where nobody asked for that."""
    folder = environ.get(VARIABLE)
    if not folder:
        return None
    library = ctypes.CDLL(None)
    return Counting(session, Path(folder, str(os.getpid())), lambda: library.syscall(MARK))
