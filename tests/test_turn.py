"""Measuring is one process's business at a time."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from edgebench.measure import turn

if TYPE_CHECKING:
    from pathlib import Path

HOLDER = """
import sys, time
from pathlib import Path
from edgebench.measure import turn
for _ in range(5):
    with turn.take(Path(sys.argv[1]), print):
        with open(sys.argv[2], "a") as log:
            print("begin", sys.argv[3], file=log, flush=True)
            time.sleep(0.02)
            print("end", sys.argv[3], file=log, flush=True)
"""


def test_two_processes_never_measure_at_the_same_time(tmp_path: Path) -> None:
    lock, log = tmp_path / "deep" / "lock", tmp_path / "log"
    holders = [
        subprocess.Popen([sys.executable, "-c", HOLDER, str(lock), str(log), name])
        for name in ("one", "two")
    ]

    assert [holder.wait(60) for holder in holders] == [0, 0]
    lines = log.read_text().splitlines()
    assert len(lines) == 20
    for begin, end in zip(lines[::2], lines[1::2], strict=True):
        assert begin.split()[0] == "begin"
        assert end == begin.replace("begin", "end")


def test_it_says_that_it_waits(tmp_path: Path) -> None:
    said: list[str] = []
    program = "import sys; from pathlib import Path; from edgebench.measure import turn\n"
    program += "with turn.take(Path(sys.argv[1]), print): print('held', flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"

    def hear(text: str) -> None:
        said.append(text)
        holder.kill()

    with turn.take(tmp_path / "lock", hear):
        holder.communicate()

    assert said == ["another run is measuring on this machine: waiting for its launch to end"]
