"""One run, two engines, the same weights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.conftest import record_in
from tests.real.program import QUICK, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


def test_both_engines_run_the_same_weights_in_one_table(tmp_path: Path, smollm2: Path) -> None:
    done = run(tmp_path, "run", "--file", smollm2, "--backend", "llama.cpp,onnxruntime", *QUICK)

    assert done.returncode == 0, done.stderr
    assert "onnxruntime ran the very same weights" in done.stdout
    result = record_in(tmp_path)
    assert {entry.cell.backend for entry in result.cells} == {"llama.cpp", "onnxruntime"}
    for entry in result.cells:
        assert entry.verification is not None
        assert entry.verification.status == "passed"
        assert all(launch.failure is None for launch in entry.launches)
    (export,) = result.exports
    assert export.weights_id == result.files[0].sha256
    onnx = [e.cell.options for e in result.cells if e.cell.backend == "onnxruntime"]
    assert all((o.activations, o.spinning, o.flash_attention) == ("int8", True, None) for o in onnx)


def test_exact_activations_are_exact(tmp_path: Path, smollm2: Path) -> None:
    run(tmp_path, "run", "--file", smollm2, "--backend", "onnxruntime", "--activations", "fp32",
        "--workload", "tg2", "--launches", "1", "--trials", "1", "--threads", "1")  # fmt: skip

    (entry,) = record_in(tmp_path).cells
    assert entry.verification is not None
    assert entry.verification.mean_kl is not None
    assert entry.verification.mean_kl < 1e-6


def test_an_instruction_set_that_cannot_be_held_is_skipped_with_the_reason(
    tmp_path: Path, smollm2: Path
) -> None:
    asked = ("run", "--file", smollm2, "--backend", "onnxruntime", "--dry-run")

    done = run(tmp_path, *asked, "--isa", "haswell,best")

    assert "onnxruntime cannot be held to haswell" in done.stdout
    cells = json.loads(run(tmp_path, *asked, "--json").stdout)["cells"]
    assert {cell["isa"] for cell in cells} == {"mlas"}
