"""Run edgebench on emulated ARM CPUs: detection, every variant, both engines, all verified.

    python -m scripts.arm.emulate [--output FOLDER]     what `make arm-emulated` runs

Exits with 1 when a cell is not verified or instruction counts differ between launches.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from edgebench import files
from edgebench.errors import CellFailed, EdgebenchError
from edgebench.schema.result import Result
from scripts.arm import environment, repeatable
from scripts.arm.guest import Environment, machine

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL, QUANTS = "smollm2-135m", ("Q4_0", "Q8_0")
CPUS = ("cortex-a53", "cortex-a72", "cortex-a76", "neoverse-n1", "a64fx", "max")
# QEMU's `max` has vectors of 64 bytes by default, which no CPU of this class has: Neoverse N2
# and the Cortex cores have 16, Neoverse V1 has 32.
NARROW, WIDE = (f"max,sve-default-vector-length={size}" for size in (16, 32))
RUNS = (
    (NARROW, ("--isa", "all", "--quant", ",".join(QUANTS)), True),
    (WIDE, ("--isa", "sve,i8mm,sve2", "--quant", ",".join(QUANTS)), True),
    ("neoverse-n1", ("--backend", "onnxruntime", "--quant", "Q4_0"), False),
)
SHORT = ("--workload", "pp5+tg4", "--threads", "1", "--trials", "1", "--max-time", "6h",
         "--timeout", "1h")  # fmt: skip
DETECT = """
import os, platform
from pathlib import Path
from edgebench.backends.llama_cpp import LlamaCpp
from edgebench.machine import device, hwcap
found = device.detect()
assert set(found.cpu_flags) == set(hwcap.of_this_process()), "cpuinfo and AT_HWCAP differ"
name = found.clusters[0].name or found.clusters[0].part
print(found.id, name, *reversed(LlamaCpp().isas()), sep="|")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--output", type=Path, default=Path("results"), help="folder of records")
    output = parser.parse_args().output.absolute()
    made = environment.make(files.cache_dir() / environment.FOLDER, quick=False)
    settings = {**os.environ, "EDGEBENCH_CACHE": str(_cache(made.folder))}
    with tempfile.TemporaryDirectory() as scratch:
        _prepare_natively(Path(scratch))
    for cpu in CPUS:
        _, name, *variants = _detect(made, cpu)
        print(f"{cpu} ({name}): {', '.join(variants)}", flush=True)
    found = list(_problems(made, settings, output))
    if found:
        raise CellFailed(f"Under emulation: {' '.join(found)}", "See the records.")


def _problems(made: Environment, settings: dict[str, str], output: Path) -> Iterator[str]:
    for cpu, arguments, counting in RUNS:
        emulated = machine(made, cpu)
        device, *_ = _detect(made, cpu)
        before = set(output.rglob("*.json"))
        done = emulated.run(
            "-m", "edgebench", "run", "--model", MODEL, *arguments, *SHORT,
            "--launches", "2" if counting else "1", "--output", output / device,
            environ=settings, counting=counting, capture=False,
        )  # fmt: skip
        if done.returncode:
            yield f"edgebench run ended with {done.returncode} on {cpu}."
        for path in sorted(set(output.rglob("*.json")) - before):
            yield from repeatable.problems(files.read_json(path, Result), counted=counting)


def _detect(made: Environment, cpu: str) -> list[str]:
    done = machine(made, cpu).run("-c", DETECT, environ=os.environ)
    if done.returncode:
        raise CellFailed(f"Detection failed on {cpu}: {done.stderr[-300:]}")
    return done.stdout.strip().split("|")


def _cache(folder: Path) -> Path:
    """The guest's own, so that nobody who measures has to wait for it.

    Models, and the float32 reference's logits, are those that were made natively.
    """
    cache = folder / "cache"
    cache.mkdir(exist_ok=True)
    for shared in ("models", "reference"):
        native = files.cache_dir() / shared
        native.mkdir(parents=True, exist_ok=True)
        if not (cache / shared).is_symlink():
            (cache / shared).symlink_to(native)
    return cache


def _prepare_natively(scratch: Path) -> None:
    """Weights in formats that have kernels for each instruction set, and reference logits."""
    formats = ",".join(QUANTS)
    quantize = ("models", "quantize", MODEL, "--to", formats, "--allow-requantize")
    verify = ("run", "--model", MODEL, "--quant", formats, "--workload", "tg1", "--launches", "1",
              "--trials", "1", "--output", str(scratch))  # fmt: skip
    for arguments in (quantize, verify):
        command = [sys.executable, "-m", "edgebench", *arguments]
        if subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode:
            raise CellFailed(f"{MODEL} could not be prepared on this machine itself.")


if __name__ == "__main__":
    try:
        main()
    except EdgebenchError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
