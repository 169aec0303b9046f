"""What `--isa` comes to on one machine: cells, or a sentence that names what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgebench.errors import NotUsableHere, UnknownName
from edgebench.measure import plan
from edgebench.measure.plan import Probe, Request
from edgebench.models.prepared import Prepared
from edgebench.schema.cell import Options
from edgebench.schema.workload import parse_workloads
from tests.results_maker import FILE

ZEN4 = Probe(
    why_not=None,
    formats=("gguf",),
    known_isas=("x64", "haswell", "zen4", "sapphirerapids"),
    isas=("zen4", "haswell", "x64"),
    name="llama.cpp",
)
PI5 = ZEN4._replace(
    known_isas=("armv8.0_1", "armv8.2_1", "armv8.6_1"), isas=("armv8.2_1", "armv8.0_1")
)
MLAS = ZEN4._replace(known_isas=("mlas",), isas=("mlas",), name="onnxruntime")
NO_TORCH = Probe(why_not="torch and transformers are not installed.")


def planned(*isas: str, **probes: Probe) -> plan.Plan:
    """Of one test on engines that are called by the names of their probes."""
    request = Request(
        files=(Prepared(Path("tiny.gguf"), "gguf", FILE, has_tokenizer=True),),
        backends=tuple(probes),
        isas=isas,
        threads=(1,),
        workloads=parse_workloads("tg4"),
        options=lambda _file, _probe, _device: Options(),
        cpu_flags=frozenset({"sse4_2", "avx", "avx2"}),
    )
    return plan.plan(request, probes, usable_cpus=2)


def reasons(found: plan.Plan) -> dict[str, str]:
    return {skip.isa: skip.reason for skip in found.skipped}


@pytest.mark.parametrize("name", ["armv8.2_1", "armv8.6_2", "dotprod", "i8mm", "sme"])
def test_one_list_of_names_serves_both_families_of_processors(name: str) -> None:
    """A job for x86 and ARM runners names rungs of both, by friendly names or variants."""
    found = planned("avx2", name, llama=ZEN4)

    assert [cell.isa for cell in found.cells] == ["haswell"]
    (reason,) = reasons(found).values()
    assert reason.startswith(f"{name} is for ARM processors, and this is x86. Usable here: zen4,")


@pytest.mark.parametrize("name", ["avx2", "haswell", "amx", "cooperlake"])
def test_and_the_other_way_round(name: str) -> None:
    found = planned("dotprod", name, llama=PI5)

    assert [cell.isa for cell in found.cells] == ["armv8.2_1"]
    assert f"{name} is for x86 processors, and this is ARM." in reasons(found)[name]


def test_what_a_variant_lacks_is_named() -> None:
    found = planned("zen4", "amx", llama=ZEN4)

    assert "It lacks" in reasons(found)["sapphirerapids"]
    assert "amx_tile and amx_int8" in reasons(found)["sapphirerapids"]


def test_an_engine_that_chooses_for_itself_says_so() -> None:
    found = planned("avx2", llama=ZEN4, ort=MLAS)

    assert reasons(found)["avx2"] == (
        "onnxruntime cannot be held to avx2: it chooses its kernels by itself (--isa mlas)."
    )


def test_a_name_of_nothing_at_all_is_a_mistake() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'haswell'"):
        planned("avx2", "Haswel", llama=ZEN4)
    with pytest.raises(UnknownName, match="Did you mean 'x64'"):
        planned("scalar", llama=ZEN4)
    with pytest.raises(UnknownName, match=r"Did you mean 'armv8\.0'\? Known: all, amx, avx2, "):
        planned("NEON", llama=ZEN4)


def test_a_missing_engine_is_the_reason_before_its_names_are() -> None:
    with pytest.raises(NotUsableHere, match="torch and transformers are not installed"):
        planned("torch", torch=NO_TORCH)
