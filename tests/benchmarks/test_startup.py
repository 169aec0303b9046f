"""What `edgebench --help` costs beyond importing typer, and what detection takes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.bench
RUNS = 15
ALLOWED_MORE_S = 0.100
ALLOWED_DETECTION_S = 0.150


def test_help_is_quick() -> None:
    theirs, ours = [], []
    for _ in range(RUNS):
        theirs.append(_seconds("-c", "import typer"))
        ours.append(_seconds("-m", "edgebench", "--help"))

    more_s = statistics.median(a - b for a, b in zip(ours, theirs, strict=True))
    print(
        f"edgebench --help {statistics.median(ours) * 1000:.0f} ms, import typer "
        f"{statistics.median(theirs) * 1000:.0f} ms, median difference {more_s * 1000:.0f} ms"
    )
    assert more_s <= ALLOWED_MORE_S


def _seconds(*arguments: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def test_detection_is_quick() -> None:
    """Detection itself within 150 ms; the process around it is Python, typer and pydantic."""
    from edgebench.machine import device

    alone, whole, imports = [], [], []
    for _ in range(RUNS):
        begun = time.perf_counter()
        device.detect()
        alone.append(time.perf_counter() - begun)
        imports.append(_seconds("-c", "import typer, pydantic; pydantic.BaseModel"))
        whole.append(_seconds("-m", "edgebench", "hardware", "detect", "--json"))

    print(
        f"detection {statistics.median(alone) * 1000:.0f} ms; edgebench hardware detect "
        f"{statistics.median(whole) * 1000:.0f} ms, of which importing typer and pydantic "
        f"{statistics.median(imports) * 1000:.0f} ms"
    )
    assert statistics.median(alone) <= ALLOWED_DETECTION_S
