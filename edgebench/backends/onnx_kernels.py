"""Which kernels ONNX Runtime's MLAS takes on this CPU for quantized products, by its own rule.

MLAS decides once, by CPUID, and tells nobody; no option holds it to less. The rule is that of
`MLAS_PLATFORM::MLAS_PLATFORM` in onnxruntime/core/mlas/lib/platform.cpp (QNBitGemmDispatch).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

# Kernels by the CPU flags that they need, as Linux names them; the last that fits is taken.
RULE = (
    ("avx2", {"avx2", "fma"}),
    ("avx2vnni", {"avx2", "fma", "avx_vnni"}),
    ("avx512", {"avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"}),
    ("avx512vnni", {"avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni"}),
    ("neon", {"asimd"}),
    ("neon-dotprod", {"asimd", "asimddp"}),
    ("neon-i8mm", {"asimd", "asimddp", "i8mm"}),
)


def by_rule(flags: Collection[str]) -> str:
    """The name of the kernels, `none` where MLAS has no fast ones, `unknown` without flags."""
    if not flags:
        return "unknown"
    fitting = [name for name, needed in RULE if needed <= set(flags)]
    return fitting[-1] if fitting else "none"


def cpu_flags(root: Path) -> frozenset[str]:
    """Of the first CPU in /proc/cpuinfo; empty where there is none."""
    try:
        lines = (root / "proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    named = (line.partition(":") for line in lines)
    return next(
        (frozenset(value.split()) for key, _, value in named if key.strip() in FIELDS), frozenset()
    )


FIELDS = ("flags", "Features")
