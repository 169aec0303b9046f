"""Which kernels MLAS takes by its rule, on captured CPUs."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgebench.backends.onnx_kernels import by_rule, cpu_flags

V3 = {"avx2", "fma"}
AVX512 = V3 | {"avx512f", "avx512bw", "avx512dq", "avx512vl"}


@pytest.mark.parametrize(
    ("flags", "kernels"),
    [
        ({"sse2", "sse4_1", "avx"}, "none"),
        (V3, "avx2"),
        (V3 | {"avx_vnni"}, "avx2vnni"),
        (V3 | {"avx512f"}, "avx2"),
        *((AVX512 - {missing}, "avx2") for missing in sorted(AVX512 - V3)),
        (AVX512, "avx512"),
        (AVX512 | {"avx_vnni", "avx512_vnni"}, "avx512vnni"),
        ({"asimd", "fp"}, "neon"),
        ({"asimd", "asimddp"}, "neon-dotprod"),
        ({"asimd", "i8mm"}, "neon"),
        ({"asimd", "asimddp", "i8mm", "sve"}, "neon-i8mm"),
        (set(), "unknown"),
    ],
)
def test_the_richest_kernels_that_the_flags_allow_are_taken(flags: set[str], kernels: str) -> None:
    assert by_rule(flags) == kernels


def test_flags_of_a_captured_machine() -> None:
    captured = Path(__file__).with_name("machines") / "epyc-zen4-vm-2cpu"
    assert by_rule(cpu_flags(captured)) == "avx512vnni"
    assert by_rule(cpu_flags(captured.with_name("raspberry-pi-5-bcm2712"))) == "neon-dotprod"
    assert cpu_flags(Path("/nowhere")) == frozenset()
