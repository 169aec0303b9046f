"""Waiting until nobody else wants this machine, for at most so long, and saying how that ended.

Everything is a difference over a few seconds in which edgebench itself sleeps: an average that the
kernel keeps (load, avg10) would still hold our own preparation. Sources: proc(5) for CPU time,
Documentation/accounting/psi.rst, Documentation/scheduler/sched-stats.rst for run delay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench.machine import kernel_files
from edgebench.machine.contention import BUSY_SHARE, CONTENDED_SHARE
from edgebench.schema.note import Note

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

WINDOW_S = 5.0
# Of one core, however many there are: threads that meet at barriers wait for the slowest.
BUSY_CPUS = 0.3
PRESSURES = ("cpu", "memory", "io")


class Sample(NamedTuple):
    """Counters of the whole machine at one moment; None or absent where it does not say.

    `busy_ticks` and `total_ticks` are summed over `cpus`, `waited_ns` over all tasks that waited
    for a CPU; `pressure_us` is the time in which some task waited for that resource.
    `load` is the average over a minute, the last resort.
    """

    at_s: float
    cpus: int
    busy_ticks: int | None
    total_ticks: int | None
    waited_ns: int | None
    pressure_us: Mapping[str, int]
    load: float | None


class Waited(NamedTuple):
    """How long, and what was still busy at the end; `blind`: this machine tells nothing."""

    seconds: float
    busy: tuple[str, ...]
    blind: bool = False

    def note(self) -> Note:
        """For the record."""
        state = f"still busy: {'; '.join(self.busy)}" if self.busy else "quiet"
        ended = "nothing here says how busy the machine is" if self.blind else f"it was {state}"
        return Note(
            name="waited_quiet",
            message=f"Waited {self.seconds:.0f} s for the machine to be quiet: {ended}.",
        )


def take_sample(root: Path, at_s: float, load: float | None) -> Sample:
    """What the kernel under `root` counts; `at_s` by any clock that does not jump."""
    lines = kernel_files.text(root / "proc/stat").splitlines()
    ticks = _numbers(lines[0].split()[1:9]) if lines else ()
    return Sample(
        at_s=at_s,
        cpus=sum(line.startswith("cpu") for line in lines) - 1 if ticks else 0,
        busy_ticks=sum(ticks) - sum(ticks[3:5]) if len(ticks) == 8 else None,
        total_ticks=sum(ticks) if len(ticks) == 8 else None,
        waited_ns=_waited_ns(root),
        pressure_us={
            name: us for name in PRESSURES if (us := _pressure_us(root, name)) is not None
        },
        load=load,
    )


def is_blind(sample: Sample) -> bool:
    """Whether the machine tells nothing that could be waited for."""
    counted = (sample.busy_ticks, sample.waited_ns, sample.load)
    return not sample.pressure_us and all(figure is None for figure in counted)


def busy(before: Sample, after: Sample, usable_cpus: int) -> tuple[str, ...]:
    """What was above its limit between two samples, in words; empty for a quiet machine."""
    counted = (_busy_cpus(before, after), _run_delay(before, after), *_pressures(before, after))
    found = tuple(words for words in counted if words)
    if found or after.busy_ticks is not None or after.load is None:
        return found
    limit = BUSY_SHARE * usable_cpus
    return (f"load average {after.load:.1f}, limit {limit:.1f}",) if after.load > limit else ()


def wait(
    limit_s: float,
    *,
    usable_cpus: int,
    sample: Callable[[], Sample],
    sleep: Callable[[float], None],
    say: Callable[[str], None],
) -> Waited:
    """Look for `WINDOW_S` at a time until the machine is quiet or no window fits any more.

    A limit that is shorter than a window is one window. `say` is told once, when there is
    something to wait for.
    """
    window_s = min(WINDOW_S, limit_s)
    first = before = sample()
    if is_blind(first):
        return Waited(0.0, (), blind=True)
    told = False
    while True:
        sleep(window_s)
        after = sample()
        found, spent_s = busy(before, after, usable_cpus), after.at_s - first.at_s
        if not found or spent_s + window_s > limit_s:
            return Waited(spent_s, found)
        if not told:
            say(f"for at most {limit_s:.0f} s for a quiet machine: {'; '.join(found)}")
        told, before = True, after


def _busy_cpus(before: Sample, after: Sample) -> str | None:
    if before.busy_ticks is None or after.busy_ticks is None or not after.cpus:
        return None
    total = (after.total_ticks or 0) - (before.total_ticks or 0)
    cpus = after.cpus * (after.busy_ticks - before.busy_ticks) / total if total > 0 else 0.0
    return f"{cpus:.1f} CPUs busy, limit {BUSY_CPUS}" if cpus > BUSY_CPUS else None


def _run_delay(before: Sample, after: Sample) -> str | None:
    """Against all time, not against running time: of a machine that hardly runs, one wait is a
    large share.
    """
    if before.waited_ns is None or after.waited_ns is None:
        return None
    share = (after.waited_ns - before.waited_ns) * 1e-9 / _elapsed_s(before, after)
    return _above(share, "tasks waited for a CPU (run delay)")


def _pressures(before: Sample, after: Sample) -> list[str | None]:
    shares = {
        name: (after.pressure_us[name] - us) * 1e-6 / _elapsed_s(before, after)
        for name, us in before.pressure_us.items()
        if name in after.pressure_us
    }
    return [
        _above(share, f"{name.replace('io', 'I/O').replace('cpu', 'CPU')} pressure")
        for name, share in shares.items()
    ]


def _above(share: float, what: str) -> str | None:
    return f"{what} {share:.0%}, limit {CONTENDED_SHARE:.0%}" if share > CONTENDED_SHARE else None


def _elapsed_s(before: Sample, after: Sample) -> float:
    return max(after.at_s - before.at_s, 1e-3)


def _waited_ns(root: Path) -> int | None:
    """The eighth figure of each CPU; absent where the kernel keeps no such statistics."""
    lines = kernel_files.text(root / "proc/schedstat").splitlines()
    waits = [_numbers(line.split()[8:9]) for line in lines if line.startswith("cpu")]
    return sum(wait[0] for wait in waits if wait) if any(waits) else None


def _pressure_us(root: Path, resource: str) -> int | None:
    first = kernel_files.text(root / "proc/pressure" / resource).split("\n", 1)[0]
    written = dict(part.partition("=")[::2] for part in first.split()).get("total", "")
    return int(written) if written.isdigit() else None


def _numbers(words: list[str]) -> tuple[int, ...]:
    return tuple(map(int, words)) if all(word.isdigit() for word in words) else ()
