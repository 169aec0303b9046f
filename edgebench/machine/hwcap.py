"""Names of the hardware capabilities that an aarch64 kernel gives every process.

The names, and their order by bit, are those of the Features line in /proc/cpuinfo (Linux,
arch/arm64/include/uapi/asm/hwcap.h and Documentation/arch/arm64/elf_hwcaps.rst).
"""

from __future__ import annotations

import ctypes

AT_HWCAP, AT_HWCAP2 = 16, 26
_HWCAP = (
    "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm jscvt fcma "
    "lrcpc dcpop sha3 sm3 sm4 asimddp sha512 sve asimdfhm dit uscat ilrcpc flagm ssbs sb paca pacg"
)
_HWCAP2 = (
    "dcpodp sve2 sveaes svepmull svebitperm svesha3 svesm4 flagm2 frint svei8mm svef32mm svef64mm "
    "svebf16 i8mm bf16 dgh rng bti mte ecv afp rpres mte3 sme smei16i64 smef64f64 smei8i32 "
    "smef16f32 smeb16f32 smef32f32 smefa64"
)


def features(hwcap: int, hwcap2: int) -> tuple[str, ...]:
    """The names of the bits that are set; bits without a name here are left out."""
    return tuple(
        name
        for names, bits in ((_HWCAP, hwcap), (_HWCAP2, hwcap2))
        for position, name in enumerate(names.split())
        if bits >> position & 1
    )


def of_this_process() -> tuple[str, ...]:
    """What the kernel, or an emulator in its place, told this aarch64 process."""
    library = ctypes.CDLL(None)
    ask = library.getauxval
    ask.argtypes, ask.restype = [ctypes.c_ulong], ctypes.c_ulong
    return features(ask(AT_HWCAP), ask(AT_HWCAP2))
