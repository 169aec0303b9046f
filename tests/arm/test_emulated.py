"""edgebench on emulated ARM CPUs: real engines, real hardware capabilities, no speed."""

from __future__ import annotations

import json
import os

import pytest

from edgebench import files
from edgebench.analysis import checking, instructions, metrics
from edgebench.schema.result import CellResult, Result
from scripts.arm import repeatable
from scripts.arm.guest import Environment, machine
from tests.gguf_maker import Tiny, random_weights, write_llama

pytestmark = pytest.mark.arm

# The environment's own name is left out: that it is emulated is found without being told.
DETECT = """
import json, os, platform
from edgebench.backends.llama_cpp import LlamaCpp
from edgebench.machine import device, hwcap
del os.environ["EDGEBENCH_EMULATED"]
found = device.detect()
print(json.dumps({
    "architecture": found.architecture, "core": found.clusters[0].name, "id": found.id,
    "flags": found.cpu_flags, "hwcap": hwcap.of_this_process(), "emulated": found.emulated,
    "caches": len(found.caches), "variants": sorted(LlamaCpp().isas()),
}))
"""


@pytest.mark.parametrize(
    ("cpu", "core", "variants"),
    [
        ("cortex-a72", "Cortex-A72", ["armv8.0_1"]),
        ("cortex-a76", "Cortex-A76", ["armv8.0_1", "armv8.2_1", "armv8.2_2"]),
    ],
)
def test_a_core_is_detected_with_the_variants_that_it_offers(
    arm: Environment, cpu: str, core: str, variants: list[str]
) -> None:
    done = machine(arm, cpu).run("-c", DETECT, environ=os.environ)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)

    assert found["architecture"] == "aarch64"
    assert found["core"] == core
    assert found["id"].startswith(f"qemu-{cpu}-")
    assert sorted(found["flags"]) == sorted(found["hwcap"])
    assert ("asimddp" in found["flags"]) is ("armv8.2_1" in variants)
    assert found["variants"] == variants
    assert found["caches"] == 0, "the host's caches are not this machine's"
    assert "by a program for x86-64" in found["emulated"]


@pytest.fixture(scope="module")
def measured(arm: Environment, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Result]:
    """What `edgebench run` prints and records of two variants, launched twice."""
    folder = tmp_path_factory.mktemp("arm")
    shape = Tiny(hidden=256, ffn=512, vocabulary=256)
    # Small weights: of large ones, rounding activations to 8 bits is more than verification lets.
    small = {
        name: array * 0.2 if array.ndim > 1 else array
        for name, array in random_weights(shape).items()
    }
    model = write_llama(folder / "tiny.gguf", shape, weights=small, quant="Q8_0")
    done = machine(arm, "cortex-a76").run(
        "-m", "edgebench", "run", "--file", model, "--isa", "armv8.0,dotprod", "--threads", "1",
        "--workload", "pp5+tg4", "--launches", "2", "--trials", "1", "--strict",
        "--output", folder / "record.json",
        environ={**os.environ, "EDGEBENCH_CACHE": str(folder / "cache")}, counting=True,
        cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, files.read_json(folder / "record.json", Result)


def test_every_variant_is_verified_and_instructions_repeat(measured: tuple[str, Result]) -> None:
    _, result = measured

    assert list(repeatable.problems(result, counted=True)) == []
    assert list(checking.problems(result)) == []
    assert {e.cell.isa for e in result.cells} == {"armv8.0_1", "armv8.2_1"}
    for entry in result.cells:
        assert {ln.dispatch.isa for ln in entry.launches if ln.dispatch} == {entry.cell.isa}


def test_dot_products_are_executed_where_the_variant_has_them_and_save_work(
    measured: tuple[str, Result],
) -> None:
    cells = {entry.cell.isa: entry for entry in measured[1].cells}
    plain, dotprod = (per_token(cells[isa]) for isa in ("armv8.0_1", "armv8.2_1"))

    assert plain["dot_product"] == 0
    assert dotprod["dot_product"] > 0
    assert dotprod["total"] < plain["total"]
    classes = ("integer", "branch", "load_store", "fp_simd", "sve", "sme")
    assert sum(plain[name] for name in classes) == pytest.approx(plain["total"])


def test_no_speed_is_shown_of_what_ran_in_an_emulator(measured: tuple[str, Result]) -> None:
    printed, result = measured

    assert result.device.emulated is not None
    assert "no speed is shown" in printed
    for entry in result.cells:
        summary = result.summary[entry.cell.id]
        assert not metrics.may_show_speed(entry)
        assert summary.prefill_tok_s is summary.decode_tok_s is summary.load_s is None


def per_token(entry: CellResult) -> dict[str, float]:
    found = instructions.per_output_token(entry)
    assert found is not None
    return found
