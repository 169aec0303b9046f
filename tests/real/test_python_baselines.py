"""Python, a graph runtime and C++ side by side, on the same weights, each verified."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from tests.conftest import record_in
from tests.real.program import run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real
# Both multiply float32 with float32: between them and the reference is only the order of sums.
ROUNDING_NATS = 1e-9


@pytest.mark.parametrize("backend", ["reference", "torch"])
def test_a_python_baseline_is_the_reference_up_to_rounding(
    tmp_path: Path, smollm2: Path, backend: str
) -> None:
    if backend == "torch" and importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed: pip install 'edgebench[torch]'")
    engines = f"{backend},llama.cpp"
    quick = ("--workload", "tg8", "--launches", "1", "--trials", "1", "--threads", "1")

    done = run(tmp_path, "run", "--file", smollm2, "--backend", engines, *quick)

    assert done.returncode == 0, done.stderr
    cells = {entry.cell.backend: entry for entry in record_in(tmp_path).cells}
    assert set(cells) == {backend, "llama.cpp"}
    verified = cells[backend].verification
    assert verified is not None
    assert verified.status == "passed"
    assert verified.mean_kl is not None
    assert verified.mean_kl < ROUNDING_NATS
    (launch,) = cells[backend].launches
    assert launch.failure is None
    assert launch.dispatch is not None
    assert launch.dispatch.library_sha256 is not None
    assert "threads=1" in launch.dispatch.features
    assert launch.memory is not None
    assert launch.memory.anonymous_bytes is not None
    assert launch.memory.anonymous_bytes > 4 * 134_000_000, "weights are float32 in memory"
    assert launch.memory.before_engine_peak_bytes is not None
    assert launch.memory.before_engine_peak_bytes < 25 * 2**20
