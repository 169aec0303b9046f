"""Errors that a user can act on.

    EdgebenchError
    ├── BadInput            2   an argument or a file is not what it should be
    ├── UnknownName         4   no model, quantization, backend or instruction set of that name
    ├── CellFailed          5   a measured cell failed and --strict was given
    ├── FileUnavailable     6   model weights are neither cached nor reachable
    ├── BadModel            7   not a GGUF, damaged, or another architecture
    ├── NotUsableHere       8   an engine or instruction set that this machine lacks
    ├── CannotWrite         9   disk full, no permission
    ├── HashMismatch       10   the bytes are not the ones that were promised
    └── Interrupted       130   Ctrl-C; finished launches are on disk

Each carries one sentence that says what is wrong and one that says what to do. Only the
command-line rim catches them. Codes 1 and 3 are kept for the verdicts of `gate`.
"""

from __future__ import annotations

import difflib
import errno
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


FREE_SPACE = "Free some space, or "
# What people call things, where spelling leads to another one.
ALSO_CALLED = {
    "gpu": "cuda",
    "nvidia": "cuda",
    "ort": "onnxruntime",
    "numpy": "reference",
    "scalar": "x64",
    "neon": "armv8.0",
}
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class EdgebenchError(Exception):
    """Base of every error that is shown as a sentence instead of a traceback."""

    exit_code: ClassVar[int] = 70

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem} {self.remedy}".strip()


class BadInput(EdgebenchError):
    exit_code = 2


class UnknownName(EdgebenchError):
    exit_code = 4

    @classmethod
    def of(
        cls,
        kind: str,
        name: str,
        known: Iterable[str],
        remedy: str = "",
        elsewhere: Iterable[str] = (),
    ) -> UnknownName:
        """An unknown `name` among `known`, with the closest one offered.

        Names that mean something `elsewhere` are offered too, and not listed.
        """
        said = did_you_mean(name, sorted(known), elsewhere)
        return cls(f"No {kind} named {name!r}.", f"{said} {remedy}".strip())


class CellFailed(EdgebenchError):
    exit_code = 5


class FileUnavailable(EdgebenchError):
    exit_code = 6


class BadModel(EdgebenchError):
    exit_code = 7


class NotUsableHere(EdgebenchError):
    exit_code = 8


class CannotWrite(EdgebenchError):
    exit_code = 9

    @classmethod
    def of(cls, problem: str, error: OSError, remedy: str) -> CannotWrite:
        """Space helps only where there is none: elsewhere `remedy` goes without `FREE_SPACE`."""
        if error.errno not in NO_SPACE and remedy.startswith(FREE_SPACE):
            other = remedy.removeprefix(FREE_SPACE)
            remedy = f"{other[0].upper()}{other[1:]}"
        return cls(problem, remedy)


class HashMismatch(EdgebenchError):
    exit_code = 10


class Interrupted(EdgebenchError):
    exit_code = 130


def did_you_mean(name: str, known: list[str], elsewhere: Iterable[str] = ()) -> str:
    """`Did you mean 'x'? Known: a, b, x.`, the question only where something is close."""
    by_lower = {each.lower(): each for each in (*elsewhere, *known)}
    meant = ALSO_CALLED.get(name.lower())
    meant = meant if meant in by_lower else name.lower()
    close = difflib.get_close_matches(meant, by_lower, n=1, cutoff=0.5)
    question = f"Did you mean {by_lower[close[0]]!r}? " if close else ""
    return f"{question}Known: {', '.join(known) or 'none'}."
