"""What each of llama.cpp's CPU variants needs of a CPU, to name what one lacks.

The variants are those of ggml/src/CMakeLists.txt, what they ask a CPU for is in
ggml/src/ggml-cpu/arch/*/cpu-feats.cpp (llama-cpp-python 0.3.36), and the names are the kernel's
flags. Whether a variant is usable is the engine's own answer; this only explains a no.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_SSE42 = ("sse4_2",)
_AVX = (*_SSE42, "avx")
_AVX2 = (*_AVX, "f16c", "fma", "avx2", "bmi2")
_AVX512 = (*_AVX2, "avx512f", "avx512cd", "avx512vl", "avx512dq", "avx512bw")
_ICELAKE = (*_AVX512, "avx512vbmi", "avx512_vnni")
_FP16 = ("asimddp", "asimdhp")
_SVE = (*_FP16, "sve")
_I8MM = (*_SVE, "i8mm")

NEEDS = {
    "sse42": _SSE42,
    "sandybridge": _AVX,
    "ivybridge": (*_AVX, "f16c"),
    "piledriver": (*_AVX, "f16c", "fma"),
    "haswell": _AVX2,
    "skylakex": _AVX512,
    "cannonlake": (*_AVX512, "avx512vbmi"),
    "cascadelake": (*_AVX512, "avx512_vnni"),
    "icelake": _ICELAKE,
    "cooperlake": (*_AVX512, "avx512_vnni", "avx512_bf16"),
    "zen4": (*_ICELAKE, "avx512_bf16"),
    "alderlake": (*_AVX2, "avx_vnni"),
    "sapphirerapids": (*_ICELAKE, "avx512_bf16", "amx_tile", "amx_int8"),
    "armv8.2_1": ("asimddp",),
    "armv8.2_2": _FP16,
    "armv8.2_3": _SVE,
    "armv8.6_1": _I8MM,
    "armv8.6_2": (*_I8MM, "sve2"),
    "armv9.2_1": (*_I8MM, "sme"),
    "armv9.2_2": (*_I8MM, "sve2", "sme"),
}


def why_not(isa: str, flags: Collection[str]) -> str:
    """The sentence for a variant that the engine refuses on a CPU with these feature flags."""
    missing = [need for need in NEEDS.get(isa, ()) if need not in flags]
    if not flags or not missing:
        return "This CPU lacks an instruction set that it needs."
    return f"This CPU lacks {_listed(missing)}."


def _listed(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
