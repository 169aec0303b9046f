"""What `--isa` takes: an engine's own names, friendly ones, and words for several.

The engine's own names are llama.cpp's CPU variants (ggml/src/CMakeLists.txt of llama.cpp). A
friendly name stands for exactly one of them on each family of processors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.machine.isa_needs import NEEDS
from edgebench.measure.isa_arm import FRIENDLY as FRIENDLY_ARM
from edgebench.measure.isa_arm import LADDER as LADDER_ARM

if TYPE_CHECKING:
    from collections.abc import Sequence

BEST, ALL, LADDER = "best", "all", "ladder"
WORDS = (BEST, ALL, LADDER)

FRIENDLY_X86 = {
    "sse2": "x64",
    "avx": "sandybridge",
    "avx2": "haswell",
    "avx512": "skylakex",
    "avx512-vnni": "icelake",
    "avx512-bf16": "zen4",
    "amx": "sapphirerapids",
}
# Each step adds an instruction set that language models' kernels use; the variants between
# differ by what these kernels do not touch, or by a vendor's own sets.
LADDER_X86 = (
    "x64", "sse42", "sandybridge", "haswell", "skylakex", "icelake", "zen4", "sapphirerapids",
)  # fmt: skip

FRIENDLY = FRIENDLY_X86 | FRIENDLY_ARM
X86, ARM = "x86", "ARM"
STEPS = (*LADDER_X86, *LADDER_ARM)


def family(name: str) -> str | None:
    """`x86` or `ARM`, of a variant of llama.cpp's or a friendly name; None for any other name."""
    variant = FRIENDLY.get(name, name)
    if variant not in NEEDS and variant not in STEPS:
        return None
    return ARM if variant.startswith("armv") else X86


def names_of(asked: str, known: Sequence[str], usable: Sequence[str]) -> tuple[str, ...]:
    """The engine's names for what was asked: one, or several for `all` and `ladder`.

    `known` are the engine's names on any machine, `usable` those that this CPU runs, the best
    first. `all` and `ladder` climb from the plainest; an engine with no steps of its own gives
    the one that it has. A name that is not the engine's is given back as it is.
    """
    if asked == BEST:
        return tuple(usable[:1]) or (asked,)
    if asked == ALL:
        return tuple(reversed(usable)) or (asked,)
    if asked == LADDER:
        return tuple(step for step in STEPS if step in usable) or tuple(usable[:1]) or (asked,)
    if asked not in known and FRIENDLY.get(asked) in known:
        return (FRIENDLY[asked],)
    return (asked,)
