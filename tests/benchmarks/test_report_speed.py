"""How long `edgebench report` takes over two thousand cells, from the shell to the page.

84 devices, 24 cells each (three instruction sets, two models, pp512, tg128 at three depths), five
launches of two trials. CPU time is judged, as in test_compare_speed.py: the command is one thread,
so that is what wall time is on a quiet machine; both are printed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from edgebench import files
from tests import report_maker as maker

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.bench
DEVICES = 84
RUNS = 3
ALLOWED_S = 10.0
ALLOWED_BYTES = 3 * 2**20
WORKLOADS = ("pp512", "tg128", "tg128@d512", "tg128@d1024")


def test_two_thousand_cells_in_ten_seconds(tmp_path: Path) -> None:
    text = files.to_json(maker.record(workloads=WORKLOADS, launches=5))
    (tmp_path / "in").mkdir()
    for number in range(DEVICES):
        named = text.replace('"board-4cpu"', f'"vendor-board-{number}-4cpu"')
        (tmp_path / f"in/{number}.json").write_text(named)

    taken = [_report(tmp_path) for _ in range(RUNS)]

    wall_s, cpu_s = (min(each) for each in zip(*taken, strict=True))
    size_bytes = (tmp_path / "site/index.html").stat().st_size
    print(
        f"edgebench report over {24 * DEVICES} cells: {wall_s:.2f} s, {cpu_s:.2f} s of CPU time, "
        f"{size_bytes / 2**20:.2f} MiB"
    )
    assert cpu_s <= ALLOWED_S
    assert size_bytes <= ALLOWED_BYTES


def _report(folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds of one report."""
    begun = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "edgebench", "report", str(folder / "in"), "-o",
         str(folder / "site")],
        stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return time.perf_counter() - begun, used.ru_utime + used.ru_stime
