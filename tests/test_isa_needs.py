"""What each rung needs beyond the one below it, as llama.cpp's cpu-feats.cpp asks for it."""

from __future__ import annotations

import pytest

from edgebench.machine import isa_needs
from edgebench.measure.isa_arm import LADDER
from edgebench.measure.isa_names import LADDER_X86

X86 = (
    ("sse42", "sse4_2"),
    ("sandybridge", "avx"),
    ("haswell", "f16c fma avx2 bmi2"),
    ("skylakex", "avx512f avx512cd avx512vl avx512dq avx512bw"),
    ("icelake", "avx512vbmi avx512_vnni"),
    ("zen4", "avx512_bf16"),
    ("sapphirerapids", "amx_tile amx_int8"),
)
ARM = (
    ("armv8.2_1", "asimddp"),
    ("armv8.2_2", "asimdhp"),
    ("armv8.2_3", "sve"),
    ("armv8.6_1", "i8mm"),
    ("armv8.6_2", "sve2"),
    ("armv9.2_2", "sme"),
)


@pytest.mark.parametrize(
    ("plainest", "steps", "ladder"), [("sse2", X86, LADDER_X86), ("asimd", ARM, LADDER)]
)
def test_a_cpu_of_one_rung_lacks_what_the_next_adds(
    plainest: str, steps: tuple[tuple[str, str], ...], ladder: tuple[str, ...]
) -> None:
    assert tuple(isa for isa, _ in steps) == ladder[1:], "the plainest needs nothing"
    has = {plainest}
    for isa, adds in steps:
        assert missing(isa, has) == adds.split()
        has |= set(adds.split())


def missing(isa: str, flags: set[str]) -> list[str]:
    said = isa_needs.why_not(isa, flags).removeprefix("This CPU lacks ").removesuffix(".")
    return said.replace(" and ", ", ").split(", ")
