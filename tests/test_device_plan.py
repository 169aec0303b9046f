"""What `--device`, `--threads` and a file's size come to: cells, or why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgebench.errors import NotUsableHere, UnknownName
from edgebench.measure import plan
from edgebench.measure.plan import Probe, Request
from edgebench.models.prepared import Prepared
from edgebench.schema.cell import Options
from edgebench.schema.workload import parse_workloads
from tests.results_maker import FILE, SHAPE

TINY = FILE.model_copy(update={"shape": SHAPE.model_copy(update={"context": 64})})
NO_GPU = "llama.cpp's CUDA backend sees no GPU. Check the driver with nvidia-smi."
BOTH = Probe(
    why_not=None,
    formats=("gguf",),
    known_isas=("haswell", "zen4"),
    isas=("zen4", "haswell"),
    name="llama.cpp",
    why_not_devices={"cpu": None, "cuda": None},
)
CPU_ONLY = BOTH._replace(why_not_devices={"cpu": None, "cuda": NO_GPU})


def planned(*backends: Probe, workload: str = "tg4", **asked: Any) -> plan.Plan:
    """On two CPUs, of a model that was trained for 64 positions."""
    probes = {f"engine{n}": probe for n, probe in enumerate(backends)}
    request = Request(
        files=(Prepared(Path("tiny.gguf"), "gguf", TINY, has_tokenizer=True),),
        backends=tuple(probes),
        isas=("zen4",),
        threads=(1,),
        workloads=parse_workloads(workload),
        options=lambda _file, _probe, device: Options(
            activations="fp16" if device == "cuda" else "fp32"
        ),
    )
    return plan.plan(request._replace(**asked), probes, usable_cpus=2)


def test_a_gpu_has_cells_of_its_own_with_its_own_settings() -> None:
    found = planned(BOTH, devices=("cpu", "cuda"))

    settings = [(cell.device, cell.options.activations) for cell in found.cells]
    assert settings == [("cpu", "fp32"), ("cuda", "fp16")]


def test_a_gpu_that_an_engine_cannot_use_is_skipped_with_its_reason() -> None:
    found = planned(BOTH, CPU_ONLY, devices=("cpu", "cuda"))

    assert [(cell.backend, cell.device) for cell in found.cells] == [
        ("engine0", "cpu"),
        ("engine0", "cuda"),
        ("engine1", "cpu"),
    ]
    (skipped,) = found.skipped
    assert (skipped.backend, skipped.device, skipped.reason) == ("engine1", "cuda", NO_GPU)


def test_without_a_gpu_nothing_runs_in_its_place() -> None:
    with pytest.raises(NotUsableHere, match="sees no GPU"):
        planned(CPU_ONLY, devices=("cuda",))


def test_what_does_not_fit_into_main_memory_may_fit_into_a_gpus() -> None:
    found = planned(BOTH, devices=("cpu", "cuda"), too_big=lambda _file, _workload: "Too big.")

    assert [cell.device for cell in found.cells] == ["cuda"]
    assert [(skip.device, skip.reason) for skip in found.skipped] == [("cpu", "Too big.")]


def test_threads_go_up_to_the_cpus_that_are_here() -> None:
    found = planned(BOTH, threads=(1, 2, 3))

    assert [cell.threads for cell in found.cells] == [1, 2]
    (skipped,) = found.skipped
    assert skipped.reason == "3 threads were asked for, 2 CPUs are usable here."


def test_positions_go_up_to_those_that_the_model_was_trained_for() -> None:
    found = planned(BOTH, workload="pp64,pp65")

    assert [cell.workload.name for cell in found.cells] == ["pp64"]
    (skipped,) = found.skipped
    assert skipped.reason.startswith("pp65 needs 65 positions, ")
    assert skipped.reason.endswith(" was trained for 64.")


def test_the_remedy_names_only_what_this_cpu_runs() -> None:
    found = planned(BOTH._replace(isas=("haswell",)), isas=("haswell", "zen4"))

    (skipped,) = found.skipped
    assert skipped.reason.startswith("This CPU cannot run zen4.")
    assert skipped.reason.endswith("Usable here: haswell.")


def test_a_misspelt_name_is_a_mistake_although_an_engine_is_missing() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'haswell'"):
        planned(BOTH, Probe(why_not="torch is not installed."), isas=("zen4", "haswel"))
