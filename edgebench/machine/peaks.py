"""Peak resident memory by phase: load, prefill, decode.

Writing 5 to /proc/self/clear_refs sets the peak (VmHWM) back to what is resident now, proc(5),
since Linux 4.0. Where that is not allowed (no CONFIG_PROC_PAGE_MONITOR, a sandbox), what is
resident at each phase's end stands for its peak, and the method says so. Imported by the worker
before any engine: standard library only.
"""

from __future__ import annotations

from pathlib import Path

from edgebench.machine import counters

RESET, SAMPLED = "reset", "sampled"


class Peaks:
    """`end(phase)` closes a phase; the next begins there. Peaks are the highest over all trials."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._highest: int | None = None
        self._found: dict[str, int] = {}
        self.method = RESET

    def end(self, phase: str) -> None:
        status = counters.status_bytes(self._root)
        peak, resident = status.get("VmHWM"), status.get("VmRSS")
        self._highest = max((v for v in (self._highest, peak) if v is not None), default=None)
        # The load begins with the process: its peak needs no setting back.
        told = peak if self.method == RESET or phase == "load" else resident
        if told is not None:
            self._found[phase] = max(told, self._found.get(phase, 0))
        if self.method == RESET and not self._set_back():
            self.method = SAMPLED

    def all_phases_bytes(self) -> int | None:
        """The peak of the whole process, as if nothing had been set back."""
        now = counters.peak_rss_bytes(self._root)
        return max((v for v in (self._highest, now) if v is not None), default=None)

    def by_phase(self) -> dict[str, int | str | None]:
        """The fields of schema.result.PhasePeaks."""
        phases = ("load", "prefill", "decode")
        return {"method": self.method} | {f"{p}_bytes": self._found.get(p) for p in phases}

    def _set_back(self) -> bool:
        """False where the kernel refuses."""
        try:
            (self._root / "proc/self/clear_refs").write_text("5")
        except OSError:
            return False
        return True
