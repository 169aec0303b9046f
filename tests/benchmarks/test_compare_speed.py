"""How long `edgebench compare` takes over a thousand records, from the shell to the last row.

Two folders of 500 devices, 2 cells each (pp512, tg128), 5 launches, 3 trials and a warm-up of 128
steps: what a run that settles at once keeps. The best of a few runs counts, because a neighbour
on the machine can only add to it. CPU time is judged: the command is one thread, so that is what
wall time is on a quiet machine; both are printed. Memory is that of the whole process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from edgebench import files
from edgebench.schema.result import CellResult
from tests.results_maker import cell, launch, result, trial, verification

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.schema.launch import Launch

pytestmark = pytest.mark.bench
DEVICES = 500
RUNS = 5
ALLOWED_S = 3.0
ALLOWED_GROWTH = 1.1
# What wait4 tells of a child's memory includes its parent's before exec; /proc tells its own.
TELLING = """
import atexit, pathlib, runpy, sys
told = pathlib.Path(sys.argv.pop(1))
atexit.register(lambda: told.write_text(pathlib.Path("/proc/self/status").read_text()))
runpy.run_module("edgebench", run_name="__main__")
"""


def test_a_thousand_records_in_three_seconds(tmp_path: Path) -> None:
    _write_sides(tmp_path, trials=3)

    taken = [_compare(tmp_path) for _ in range(RUNS)]

    wall_s, cpu_s, peak_bytes = (min(figures) for figures in zip(*taken, strict=True))
    print(
        f"edgebench compare over {2 * DEVICES} records: {wall_s:.2f} s, {cpu_s:.2f} s of CPU time, "
        f"peak {peak_bytes / 2**20:.0f} MiB"
    )
    assert cpu_s <= ALLOWED_S


def test_memory_does_not_grow_with_trials(tmp_path: Path) -> None:
    few, many = tmp_path / "few", tmp_path / "many"
    _write_sides(few, trials=1, devices=100)
    _write_sides(many, trials=20, devices=100)

    peaks = [_compare(folder)[2] for folder in (few, many)]

    print(f"peak {peaks[0] / 2**20:.0f} MiB with 1 trial, {peaks[1] / 2**20:.0f} MiB with 20")
    assert peaks[1] <= ALLOWED_GROWTH * peaks[0]


def _write_sides(folder: Path, *, trials: int, devices: int = DEVICES) -> None:
    for side, slower in (("old", 1.0), ("new", 1.05)):
        (folder / side).mkdir(parents=True)
        text = _record(slower, trials)
        for number in range(devices):
            named = text.replace('"board-4cpu"', f'"board-{number}"')
            (folder / side / f"{number}.json").write_text(named)


def _record(slower: float, trials: int) -> str:
    made: dict[str, Any] = {"prefill": cell("pp512"), "decode": cell("tg128")}
    entries = [
        CellResult(
            cell=each,
            verification=verification(),
            launches=tuple(_launch(kind, number, slower, trials) for number in range(5)),
        )
        for kind, each in made.items()
    ]
    return files.to_json(result(*entries, run_id=f"{int(slower * 100):08x}"))


def _launch(kind: str, number: int, slower: float, trials: int) -> Launch:
    factor = slower * (1 + number / 100)
    prefill_ns, step_ns = (
        (round(2e9 * factor), ()) if kind == "prefill" else (None, (round(9e6 * factor),) * 128)
    )
    every = (trial(i, prefill_ns=prefill_ns, step_ns=step_ns) for i in range(trials + 1))
    return launch(number, tuple(every))


def _compare(folder: Path) -> tuple[float, float, int]:
    """Wall seconds, CPU seconds and peak memory of one comparison."""
    status_file = folder / "status"
    begun = time.perf_counter()
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            TELLING,
            str(status_file),
            "compare",
            str(folder / "old"),
            str(folder / "new"),
        ],
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    rows_per_device = 3  # its ratio, and each side in the table of devices
    devices = len(list((folder / "old").iterdir()))
    assert printed.count(b"decode tok/s") == rows_per_device * devices
    return (
        time.perf_counter() - begun,
        used.ru_utime + used.ru_stime,
        _peak_rss_bytes(status_file),
    )


def _peak_rss_bytes(status_file: Path) -> int:
    (line,) = (each for each in status_file.read_text().splitlines() if each.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
