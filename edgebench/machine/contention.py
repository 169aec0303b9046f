"""Who else wants this machine: what the kernel counts of load and of waiting.

Sources: getloadavg(3); Documentation/accounting/psi.rst; Documentation/scheduler/sched-stats.rst
for run delay; proc(5) for steal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.machine import kernel_files
from edgebench.schema.note import Note

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A process that runs half of the time disturbs whoever needs every core.
BUSY_SHARE = 0.3
# The share of waiting from which a measured cell is called contended (analysis/notes.py).
CONTENDED_SHARE = 0.02
PRESSED = {
    "cpu": "stop other programs, or read CPU seconds per token beside the speed.",
    "memory": "free memory, or measure a smaller model.",
    "io": "wait until whatever reads or writes disks is done.",
}


def notes(root: Path, load: float | None, usable_cpus: int) -> Iterator[Note]:
    """`load`: runnable processes over the last minute, as it was before edgebench did anything."""
    if load is not None and load > BUSY_SHARE * usable_cpus:
        yield Note(
            name="busy",
            message=f"Load average was {load:.1f} on {usable_cpus} CPUs at the start: "
            "stop other programs, or read CPU seconds per token beside the speed.",
        )
    for resource, remedy in PRESSED.items():
        share = pressure_share(root, resource)
        if share is not None and share > CONTENDED_SHARE:
            yield Note(
                name=f"pressure_{resource}",
                message=f"In the last 10 s some tasks waited for {resource.replace('io', 'I/O')} "
                f"{share:.0%} of the time: {remedy}",
            )
    yield from _waiting(root)


def pressure_share(root: Path, resource: str) -> float | None:
    """Share of the last 10 s in which some task waited for `resource`: cpu, memory or io.

    None where the kernel keeps no pressure stall information.
    """
    first = kernel_files.text(root / "proc/pressure" / resource).split("\n", 1)[0]
    written = dict(part.partition("=")[::2] for part in first.split()).get("avg10", "")
    return float(written) / 100 if written.replace(".", "", 1).isdigit() else None


def run_delay_share(root: Path) -> float | None:
    """Share of its runnable time that this process has waited for a CPU since it started."""
    counts = kernel_files.text(root / "proc/self/schedstat").split()
    if len(counts) != 3 or not all(count.isdigit() for count in counts):
        return None
    ran, waited = int(counts[0]), int(counts[1])
    return waited / (ran + waited) if ran + waited else None


def steal_share(root: Path) -> float | None:
    """Share of the CPU time wanted since boot that the hypervisor gave to others."""
    first = kernel_files.text(root / "proc/stat").split("\n", 1)[0].split()[1:]
    if len(first) < 8 or not all(count.isdigit() for count in first):
        return None
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, first[:8])
    wanted = user + nice + system + irq + softirq + steal
    return steal / wanted if wanted else None


def _waiting(root: Path) -> Iterator[Note]:
    delay, steal = run_delay_share(root), steal_share(root)
    if delay is not None and delay > CONTENDED_SHARE:
        yield Note(
            name="run_delay",
            message=f"edgebench itself waited for a CPU {delay:.0%} of the time that it could "
            "have run: stop other programs.",
        )
    if steal is not None and steal > CONTENDED_SHARE:
        yield Note(
            name="steal",
            message=f"Since boot the hypervisor gave others {steal:.0%} of the CPU time wanted "
            "here: measure at a quieter hour, or on a machine of your own.",
        )
