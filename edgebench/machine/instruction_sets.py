"""Which instruction sets that matter to language models a CPU has, from its feature flags.

Names are the kernel's (Linux, arch/x86/include/asm/cpufeatures.h and
Documentation/arch/arm64/elf_hwcaps.rst). They are those that llama.cpp's CPU variants, ONNX
Runtime's kernels (MLAS) and KleidiAI ask for; `avx512f` alone chooses nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_X86 = (
    "sse2 ssse3 sse4_1 sse4_2 avx f16c fma bmi2 avx2 avx_vnni avx_vnni_int8 avx_vnni_int16 "
    "avx_ne_convert avx512f avx512cd avx512bw avx512dq avx512vl avx512vbmi avx512_vnni "
    "avx512_bf16 avx512_fp16 amx_tile amx_int8 amx_bf16 amx_fp16"
)
_ARM = (
    "neon asimd asimdhp fphp asimddp asimdfhm bf16 i8mm sve svebf16 svei8mm sve2 sve2p1 sme "
    "smei8i32 smef16f32 sme2"
)
# py-cpuinfo's spellings, for systems without /proc/cpuinfo.
_OTHERWISE = {"avx512vnni": "avx512_vnni", "avx512bf16": "avx512_bf16", "sse4.1": "sse4_1"}
# Kernels before 6.14 report these on CPUs that have SME and no SVE (simdjson issue 2867).
_NEEDS_SVE = frozenset({"sve2", "sve2p1", "svebf16", "svei8mm"})


def of_interest(flags: Iterable[str], architecture: str) -> tuple[str, ...]:
    """Those of the architecture's list that are among `flags`, oldest first.

    `architecture` is what `uname -m` says: `sme` is Secure Memory Encryption on AMD's CPUs.
    `sve2` counts only together with `sve`.
    """
    present = {_OTHERWISE.get(flag, flag) for flag in flags}
    if "sve" not in present:
        present -= _NEEDS_SVE
    of_arm = architecture.startswith(("aarch64", "arm"))
    of_x86 = architecture in {"x86_64", "AMD64", "i686"}
    known = _ARM if of_arm else _X86 if of_x86 else ""
    return tuple(name for name in known.split() if name in present)
