"""ONNX files given by path: our own exports, and graphs as others make them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from edgebench.analysis import metrics
from edgebench.models.cache import hash_file
from edgebench.models.onnx_cache import onnx_for
from edgebench.models.onnx_export import export
from edgebench.models.progress import Silent
from tests.conftest import record_in
from tests.gguf_maker import Tiny, write_llama
from tests.onnx_maker import as_others_make_it, graph_of, save
from tests.real.program import run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real
QUICK = ("--workload", "pp8+tg4", "--launches", "1", "--trials", "1", "--threads", "1")


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    return export(write_llama(tmp_path / "t.gguf"), tmp_path / "ours", activations="int8").path


def test_an_export_without_its_gguf_file_runs_and_says_what_cannot_be_verified(
    tmp_path: Path, exported: Path
) -> None:
    done = run(tmp_path, "run", "--file", exported, *QUICK)

    assert done.returncode == 0, done.stderr
    (entry,) = (result := record_in(tmp_path)).cells
    assert (entry.cell.backend, entry.cell.options.activations) == ("onnxruntime", "int8")
    assert entry.verification is not None
    assert entry.verification.status == "not_possible"
    assert hash_file(tmp_path / "t.gguf", Silent()) in str(entry.verification.reason)
    assert result.files[0].shape is not None
    assert result.files[0].shape.layers == 2
    assert run(tmp_path, "check", "results").returncode == 0


def test_an_export_whose_gguf_file_is_in_the_cache_is_that_file(
    tmp_path: Path, smollm2: Path
) -> None:
    from edgebench.files import cache_dir

    sha256 = hash_file(smollm2, Silent())
    graph = onnx_for(smollm2, sha256, cache=cache_dir(), activations="int8", progress=Silent())

    asked = ("run", "--file", graph.path, "--workload", "command.v1", "--launches", "1",
             "--trials", "1", "--threads", "2", "--backend", "llama.cpp,onnxruntime")  # fmt: skip
    done = run(tmp_path, *asked)

    assert "the very same weights" in done.stdout
    result = record_in(tmp_path)
    assert {entry.cell.file for entry in result.cells} == {sha256}
    for entry in result.cells:
        assert entry.verification is not None
        assert entry.verification.status == "passed"
        assert entry.launches[0].failure is None
        assert entry.launches[0].trials[0].tokenize_ns, "the GGUF file's tokenizer serves both"
    other = run(tmp_path, *asked, "--activations", "fp32", "--dry-run")
    assert other.returncode == 2
    assert "int8 activations, not fp32" in other.stderr


def test_a_graph_made_by_others_runs_unverified(tmp_path: Path, exported: Path) -> None:
    theirs = as_others_make_it(exported, tmp_path / "theirs")

    run(tmp_path, "run", "--file", theirs, *QUICK)

    (entry,) = (result := record_in(tmp_path)).cells
    assert result.files[0].architecture == "unknown"
    assert entry.verification is not None
    assert "made by others" in str(entry.verification.reason)
    assert metrics.summarize(entry).decode_tok_s is not None


def test_a_graph_without_a_usual_input_says_which_and_the_other_cells_go_on(
    tmp_path: Path, exported: Path
) -> None:
    theirs = as_others_make_it(exported, tmp_path / "theirs")
    model = graph_of(theirs)
    for given in model.graph.input:
        if given.name == "attention_mask":
            given.name = "mask"
    for node in model.graph.node:
        node.input[:] = ["mask" if name == "attention_mask" else name for name in node.input]
    save(model, theirs)

    done = run(tmp_path, "run", "--file", theirs, *QUICK)

    assert done.returncode == 0
    assert "no input 'attention_mask'" in done.stdout


def test_a_device_that_is_not_here_is_skipped_with_the_reason(
    tmp_path: Path, smollm2: Path
) -> None:
    both = ("run", "--file", smollm2, "--device", "cpu,cuda", "--backend", "llama.cpp,onnxruntime")
    planned = json.loads(run(tmp_path, *both, "--dry-run", "--json").stdout)

    if {cell["device"] for cell in planned["cells"]} == {"cpu"}:
        skipped = {skip["backend"]: skip["reason"] for skip in planned["skipped"]}
        assert "onnxruntime-gpu" in skipped["onnxruntime"]
        assert skipped["llama.cpp"]
        assert run(tmp_path, "run", "--file", smollm2, "--device", "cuda").returncode == 8
    assert run(tmp_path, "run", "--file", smollm2, "--device", "tpu").returncode == 4


def test_weights_without_an_exact_counterpart_are_converted_only_when_asked(
    tmp_path: Path,
) -> None:
    gguf = write_llama(tmp_path / "t.gguf", Tiny(hidden=256, ffn=256), quant="TQ2_0")
    asked = ("run", "--file", gguf, "--backend", "llama.cpp,onnxruntime", *QUICK)

    plain = run(tmp_path, *asked, "--output", tmp_path / "plain")
    converted = run(tmp_path, *asked, "--allow-derived", "--output", tmp_path / "derived")

    assert "Q4_0" in plain.stdout, "the formats that have one are named"
    assert "NOT the same weights" in converted.stdout


@pytest.mark.parametrize("backend", ["llama.cpp", "onnxruntime"])
def test_parallel_sequences_are_counted(tmp_path: Path, backend: str) -> None:
    gguf = write_llama(tmp_path / "t.gguf")

    done = run(tmp_path, "run", "--file", gguf, "--backend", backend, "--workload", "pp8+tg4@s3",
               "--launches", "1", "--trials", "1", "--threads", "1")  # fmt: skip

    assert "pp8+tg4@s3" in done.stdout
    (entry,) = record_in(tmp_path).cells
    (launch,) = entry.launches
    assert launch.failure is None
    trial = launch.trials[1]
    speed = metrics.decode_tok_s(trial, entry.cell.workload)
    assert speed == pytest.approx(3 * 4 / (sum(trial.step_ns) * 1e-9))
