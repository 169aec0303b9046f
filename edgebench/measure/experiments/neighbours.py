"""Processes that run beside what is measured, and are gone afterwards.

Run as `python -m edgebench.measure.experiments.neighbours`, this is one of them: it keeps one core
busy, where the kernel puts it, until its parent ends. Nothing is pinned: an app is not, either.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from edgebench.backends import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BUSY = ("edgebench.measure.experiments.neighbours",)
_LOOK_EVERY = 100_000


@contextlib.contextmanager
def beside(modules: Sequence[Sequence[str]]) -> Iterator[None]:
    """One process per module and its arguments, each of which has said "ready".

    Raises EngineError where one does not.
    """
    started = [
        subprocess.Popen([sys.executable, "-P", "-m", *module], stdout=subprocess.PIPE, text=True)
        for module in modules
    ]
    try:
        for each in started:
            if each.stdout is None or each.stdout.readline().strip() != "ready":
                raise EngineError("a neighbour did not start")
        yield
    finally:
        for each in started:
            each.kill()
            each.wait()
            if each.stdout:
                each.stdout.close()


def main() -> None:
    parent = os.getppid()
    print("ready", flush=True)  # noqa: T201 - its parent waits for this line
    while os.getppid() == parent:
        for _ in range(_LOOK_EVERY):
            pass


if __name__ == "__main__":
    main()
