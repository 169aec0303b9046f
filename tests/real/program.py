"""The command line, run on real weights."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

QUICK = ("--workload", "pp32,tg8", "--launches", "2", "--trials", "1", "--threads", "1")


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """With this user's cache, so that weights are fetched once."""
    return subprocess.run(
        [sys.executable, "-m", "edgebench", *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
