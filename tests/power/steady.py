"""A meter whose truth is known."""

from __future__ import annotations

import threading
import time

from edgebench.power import Domain, Reading


class Steady:
    """A counter that takes 30 W of this process's real time."""

    method, quality, kind = "counter:steady", "B", "energy"
    update_every_s = 0.001

    def __init__(self, read_every_s: float = 0.02) -> None:
        self.read_every_s, self.threads = read_every_s, set[int]()

    def why_not(self) -> str | None:
        return None

    def domains(self) -> tuple[Domain, ...]:
        return (Domain("package-0", "package"),)

    def read(self) -> tuple[Reading, ...]:
        self.threads.add(threading.get_ident())
        return (Reading(time.monotonic_ns() * 30 / 1000),)
