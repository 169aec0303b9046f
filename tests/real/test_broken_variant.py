"""A CPU variant that computes wrongly: it is seen, and shows no speed."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from edgebench.analysis import metrics
from edgebench.backends.llama_library import variants
from tests.conftest import record_in

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """All libraries of the engine; the plainest variant takes logarithms where it wants powers.

    Rotary embeddings then turn by wrong angles. Only a name in its table of imports differs, by
    another that the C library has had since the same version (2.27).
    """
    plainest = variants()[PLAINEST]
    folder = tmp_path / "lib"
    folder.mkdir()
    for library in plainest.parent.iterdir():
        raw = library.read_bytes()
        if library == plainest:
            assert raw.count(b"\0powf\0") == 1
            raw = raw.replace(b"\0powf\0", b"\0logf\0")
        (folder / library.name).write_bytes(raw)
    return folder


PLAINEST = "armv8.0_1" if os.uname().machine == "aarch64" else "x64"


def test_a_variant_with_wrong_logits_shows_no_speed(
    tmp_path: Path, broken: Path, smollm2: Path
) -> None:
    asked = ("run", "--file", str(smollm2), "--isa", f"{PLAINEST},best", "--workload", "tg4",
             "--launches", "1", "--trials", "1", "--threads", "2")  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "edgebench", *asked],
        cwd=tmp_path,
        env=os.environ | {"LLAMA_CPP_LIB_PATH": str(broken)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert "FAILED" in done.stdout, done.stderr
    entries = {entry.cell.isa: entry for entry in record_in(tmp_path).cells}
    wrong, right = entries.pop(PLAINEST), entries.popitem()[1]
    assert wrong.verification is not None
    assert wrong.verification.status == "failed"
    assert metrics.summarize(wrong).decode_tok_s is None
    assert metrics.summarize(right).decode_tok_s is not None
    table = [line.split() for line in done.stdout.splitlines() if "tg4" in line]
    (row,) = (words for words in table if words[-1] == "FAILED")
    assert f"({PLAINEST})" in row, "as asked: it was never launched"
    assert row[row.index("tg4") + 1] == "-", "where the speed stands"
