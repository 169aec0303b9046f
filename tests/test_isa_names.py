"""Names of instruction sets: an engine's own, friendly ones, and words for several."""

from __future__ import annotations

import pytest

from edgebench.measure.isa_arm import FRIENDLY as FRIENDLY_ARM
from edgebench.measure.isa_names import FRIENDLY, FRIENDLY_X86, LADDER_X86, STEPS, names_of

X86 = ("x64", "sse42", "sandybridge", "ivybridge", "piledriver", "haswell", "skylakex",
       "cannonlake", "cascadelake", "icelake", "cooperlake", "zen4", "alderlake",
       "sapphirerapids")  # fmt: skip
ARM = ("armv8.0_1", "armv8.2_1", "armv8.2_2", "armv8.2_3", "armv8.6_1", "armv8.6_2", "armv9.2_1",
       "armv9.2_2")  # fmt: skip
ZEN4 = ("zen4", "icelake", "cascadelake", "skylakex", "haswell", "ivybridge", "sandybridge",
        "sse42", "x64")  # fmt: skip
PI5 = ("armv8.2_2", "armv8.2_1", "armv8.0_1")


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("best", ("zen4",)),
        ("avx2", ("haswell",)),
        ("haswell", ("haswell",)),
        ("amx", ("sapphirerapids",)),
        ("ladder", ("x64", "sse42", "sandybridge", "haswell", "skylakex", "icelake", "zen4")),
        ("all", tuple(reversed(ZEN4))),
        ("dotprod", ("dotprod",)),
    ],
)
def test_on_an_avx512_machine(asked: str, names: tuple[str, ...]) -> None:
    assert names_of(asked, X86, ZEN4) == names


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("best", ("armv8.2_2",)),
        ("dotprod", ("armv8.2_1",)),
        ("sme", ("armv9.2_2",)),
        ("ladder", ("armv8.0_1", "armv8.2_1", "armv8.2_2")),
        ("avx2", ("avx2",)),
    ],
)
def test_on_a_raspberry_pi_5(asked: str, names: tuple[str, ...]) -> None:
    assert names_of(asked, ARM, PI5) == names


@pytest.mark.parametrize(
    ("friendly", "variant"),
    [
        ("sse2", "x64"),
        ("avx", "sandybridge"),
        ("avx2", "haswell"),
        ("avx512", "skylakex"),
        ("avx512-vnni", "icelake"),
        ("avx512-bf16", "zen4"),
        ("amx", "sapphirerapids"),
        ("armv8.0", "armv8.0_1"),
        ("dotprod", "armv8.2_1"),
        ("fp16", "armv8.2_2"),
        ("sve", "armv8.2_3"),
        ("i8mm", "armv8.6_1"),
        ("sve2", "armv8.6_2"),
        ("sme", "armv9.2_2"),
    ],
)
def test_a_friendly_name_is_one_variant(friendly: str, variant: str) -> None:
    known = X86 if friendly in FRIENDLY_X86 else ARM
    assert names_of(friendly, known, ()) == (variant,)


def test_the_ladder_climbs_to_the_top_of_either_family() -> None:
    assert names_of("ladder", X86, X86)[-2:] == ("zen4", "sapphirerapids")
    assert names_of("ladder", ARM, ARM) == tuple(name for name in ARM if name != "armv9.2_1")


@pytest.mark.parametrize("word", ["best", "all", "ladder"])
def test_an_engine_with_one_way_to_run_has_one_step(word: str) -> None:
    assert names_of(word, ("mlas",), ("mlas",)) == ("mlas",)


def test_friendly_names_are_variants_that_llama_cpp_builds() -> None:
    assert set(FRIENDLY.values()) <= {*X86, *ARM}
    assert set(STEPS) <= {*X86, *ARM}
    assert set(FRIENDLY_ARM.values()) <= set(ARM)
    assert list(LADDER_X86) == sorted(LADDER_X86, key=X86.index), "climbs, as llama.cpp's list does"
