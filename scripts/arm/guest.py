"""An emulated machine: what it looks like to the guest, and how programs are run on it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edgebench.errors import NotUsableHere

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE = Path(__file__).resolve().parent
# One thread: threads that spin at barriers cost an emulator several times the work.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
# Main ID Register implementer and part of QEMU 7.2's CPU models.
PARTS = {
    "cortex-a53": ("0x41", "0xd03"),
    "cortex-a57": ("0x41", "0xd07"),
    "cortex-a72": ("0x41", "0xd08"),
    "cortex-a76": ("0x41", "0xd0b"),
    "neoverse-n1": ("0x41", "0xd0c"),
    "a64fx": ("0x46", "0x001"),
    "max": ("0x00", "0x051"),
}


class Environment(NamedTuple):
    """The parts that scripts/arm/environment.py made, all below `folder`."""

    folder: Path
    python: Path
    python_path: tuple[Path, ...]
    plugin: Path
    qemu_version: str


class Machine(NamedTuple):
    """One emulated CPU. `cpu` is QEMU's, e.g. `max,sve-default-vector-length=16`."""

    environment: Environment
    cpu: str

    @property
    def root(self) -> Path:
        """Where the guest's absolute paths are looked up before they are looked up here."""
        name = re.sub(r"[^\w.-]+", "_", self.cpu)
        return self.environment.folder / "machines" / name

    def environ(self, base: Mapping[str, str], counts: Path | None = None) -> dict[str, str]:
        """Environment variables for `python.sh`; `counts` is a folder for instruction counts."""
        made = self.environment
        settings = {
            "EDGEBENCH_ARM": str(made.folder),
            "EDGEBENCH_ARM_CPU": self.cpu,
            "EDGEBENCH_ARM_PYTHON": str(made.python),
            "EDGEBENCH_ARM_ROOT": str(self.root),
            "EDGEBENCH_EMULATED": f"qemu-user {made.qemu_version} {self.cpu}",
            "PYTHONPATH": os.pathsep.join(map(str, (HERE / "startup", *made.python_path))),
            "PYTHONHASHSEED": "0",
            "PYTHONSAFEPATH": "1",
            **ONE_THREAD,
        }
        if counts is not None:
            settings |= {
                "EDGEBENCH_ARM_PLUGIN": str(made.plugin),
                "EDGEBENCH_INSTRUCTIONS": str(counts),
            }
        return {**base, **settings}

    def run(
        self,
        *arguments: str | Path,
        environ: Mapping[str, str],
        counting: bool = False,
        capture: bool = True,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run the emulated Python with `arguments`, instructions counted where asked."""
        with tempfile.TemporaryDirectory(prefix="counts-") as counts:
            return subprocess.run(
                [str(self.environment.python), *map(str, arguments)],
                env=self.environ(environ, Path(counts) if counting else None),
                check=False,
                capture_output=capture,
                text=True,
                cwd=cwd,
            )


def machine(environment: Environment, cpu: str) -> Machine:
    """A machine with that CPU, its /proc and /sys made. Raises NotUsableHere.

    QEMU 7.2 shows the guest the /proc/cpuinfo of the host, on which ONNX Runtime dies; and one
    that promises more than the emulated CPU has ends in SIGILL. So it is made from what the
    guest's kernel interface says.
    """
    made = Machine(environment, cpu)
    if (made.root / "proc/cpuinfo").is_file():
        return made
    made.root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="machine-", dir=made.root.parent) as temporary:
        root = Path(temporary, "root")
        root.mkdir()
        for entry in (environment.folder / "root").iterdir():
            (root / entry.name).symlink_to(f"../../root/{entry.name}")
        # Resolved from the machine's final place: make it there before anything is run.
        shutil.rmtree(made.root, ignore_errors=True)
        root.rename(made.root)
    features = _features(made)
    for name, text in _pretended(cpu, features, cpus=len(os.sched_getaffinity(0))).items():
        path = made.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return made


def cpuinfo(cpu: str, features: Sequence[str], cpus: int) -> str:
    """/proc/cpuinfo as an aarch64 kernel writes it, `cpus` times the same core."""
    implementer, part = PARTS.get(cpu.split(",", maxsplit=1)[0], ("0x00", "0x000"))
    return "".join(
        f"processor\t: {number}\nBogoMIPS\t: 100.00\nFeatures\t: {' '.join(features)}\n"
        f"CPU implementer\t: {implementer}\nCPU architecture: 8\nCPU variant\t: 0x0\n"
        f"CPU part\t: {part}\nCPU revision\t: 0\n\n"
        for number in range(cpus)
    )


def _pretended(cpu: str, features: Sequence[str], cpus: int) -> dict[str, str]:
    """Files in place of the host's. There are no caches or frequencies: nothing emulates any."""
    silent = ("cache/none", "cpufreq/scaling_governor", "cpufreq/cpuinfo_max_freq")
    folders = {n: f"sys/devices/system/cpu/cpu{n}" for n in range(cpus)}
    return {
        **{f"{folder}/topology/thread_siblings_list": f"{n}\n" for n, folder in folders.items()},
        **{f"{folder}/{name}": "" for folder in folders.values() for name in silent},
        "proc/device-tree/model": f"QEMU {cpu}\0",
        # Last: its presence means that the machine is complete.
        "proc/cpuinfo": cpuinfo(cpu, features, cpus),
    }


def _features(made: Machine) -> list[str]:
    code = "from edgebench.machine import hwcap; print(*hwcap.of_this_process())"
    done = made.run("-c", code, environ=os.environ)
    if done.returncode:
        shutil.rmtree(made.root)
        said = " ".join(done.stderr.split())[-300:]
        raise NotUsableHere(f"QEMU did not start a machine with -cpu {made.cpu}: {said}")
    return done.stdout.split()
