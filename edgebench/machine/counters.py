"""What the kernel counts while a trial runs.

Imported by the worker before any engine: standard library only, and nothing that costs memory.
A file that cannot be read gives None, never 0.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Snapshot(NamedTuple):
    """Cumulative counts; only differences of two snapshots mean anything."""

    cpu_user_s: float
    cpu_system_s: float
    voluntary_switches: int
    involuntary_switches: int
    minor_faults: int
    major_faults: int
    run_delay_ns: int | None
    steal_s: float | None
    pressure_cpu_us: int | None
    pressure_memory_us: int | None
    pressure_io_us: int | None
    cgroup_throttled_us: int | None
    instructions_retired: int | None


def not_counted() -> None:
    """Stands for a count that nobody keeps."""


def snapshot(root: Path = Path("/"), retired: Callable[[], int | None] = not_counted) -> Snapshot:
    """Counts for this process (all threads) and, for steal and pressure, this machine.

    Sources: getrusage(2); Documentation/scheduler/sched-stats.rst for run delay;
    Documentation/accounting/psi.rst; proc(5) for steal; cgroup-v2.rst for throttling.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return Snapshot(
        cpu_user_s=usage.ru_utime,
        cpu_system_s=usage.ru_stime,
        voluntary_switches=usage.ru_nvcsw,
        involuntary_switches=usage.ru_nivcsw,
        minor_faults=usage.ru_minflt,
        major_faults=usage.ru_majflt,
        run_delay_ns=_run_delay_ns(root),
        steal_s=_steal_s(root),
        pressure_cpu_us=_pressure_us(root, "cpu"),
        pressure_memory_us=_pressure_us(root, "memory"),
        pressure_io_us=_pressure_us(root, "io"),
        cgroup_throttled_us=_throttled_us(root),
        instructions_retired=retired(),
    )


def difference(before: Snapshot, after: Snapshot) -> dict[str, float | int | None]:
    """`after - before`, field by field; None where either is None or a counter went backwards."""
    return {name: _minus(getattr(after, name), getattr(before, name)) for name in Snapshot._fields}


def temperature_c(root: Path = Path("/")) -> float | None:
    """The hottest thermal zone or CPU sensor, in degrees Celsius."""
    zones = [*root.glob("sys/class/thermal/thermal_zone*/temp")]
    zones += root.glob("sys/class/hwmon/hwmon*/temp*_input")
    readings = [value / 1000 for path in zones if (value := _integer(path)) is not None]
    plausible = [value for value in readings if -50 < value < 200]
    return max(plausible, default=None)


def frequency_khz(root: Path = Path("/")) -> int | None:
    """The highest current frequency that cpufreq reports over all CPUs."""
    paths = root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq")
    return max((v for path in paths if (v := _integer(path)) is not None), default=None)


def peak_rss_bytes(root: Path = Path("/")) -> int | None:
    """VmHWM of this process. Not `ru_maxrss`, which a child inherits from its parent."""
    return status_bytes(root).get("VmHWM")


def pss_bytes(root: Path = Path("/")) -> int | None:
    """Proportional set size: pages that are shared count by their share, proc(5)."""
    lines = (line.split() for line in _text(root / "proc/self/smaps_rollup").splitlines())
    found = next((fields[1] for fields in lines if fields[:1] == ["Pss:"]), "")
    return int(found) * 1024 if found.isdigit() else None


def _minus(after: float | None, before: float | None) -> float | int | None:
    if after is None or before is None or after < before:
        return None
    return after - before


def status_bytes(root: Path = Path("/")) -> dict[str, int]:
    """What /proc/self/status tells in kB (VmHWM, VmRSS, VmSwap, VmLck), in bytes, proc(5)."""
    lines = _text(root / "proc/self/status").splitlines()
    pairs = [line.split() for line in lines if line.endswith(" kB")]
    return {name.rstrip(":"): int(kib) * 1024 for name, kib, _ in pairs}


def _run_delay_ns(root: Path) -> int | None:
    texts = (_text(path).split() for path in root.glob("proc/self/task/*/schedstat"))
    delays = [int(fields[1]) for fields in texts if len(fields) == 3]
    return sum(delays) if delays else None


def _steal_s(root: Path) -> float | None:
    fields = _text(root / "proc/stat").split("\n", 1)[0].split()
    return int(fields[8]) / os.sysconf("SC_CLK_TCK") if len(fields) > 8 else None


def _pressure_us(root: Path, kind: str) -> int | None:
    first = _text(root / "proc/pressure" / kind).split("\n", 1)[0]
    _, _, total = first.rpartition("total=")
    return int(total) if total.isdigit() else None


def _throttled_us(root: Path) -> int | None:
    text = _text(root / "proc/self/cgroup")
    group = next((line[4:] for line in text.splitlines() if line.startswith("0::/")), None)
    if group is None:
        return None
    for line in _text(root / "sys/fs/cgroup" / group / "cpu.stat").splitlines():
        if line.startswith("throttled_usec "):
            return int(line.split()[1])
    return None


def _integer(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.lstrip("-").isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
