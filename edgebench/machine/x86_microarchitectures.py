"""Microarchitectures of x86 CPUs, by vendor, family and model.

Sources: Linux, arch/x86/kernel/cpu/amd.c (generations of Zen) and arch/x86/include/asm/
intel-family.h. A label is exact when the number stands for one microarchitecture; it is not where
Intel used one model number for several, or where AMD's family is known and the model is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench.machine.found import Microarchitecture

if TYPE_CHECKING:
    from edgebench.schema.device import CoreKind


class Intel(NamedTuple):
    """Of a model of Intel's family 6. `efficiency`: the other kind of core of hybrid ones."""

    name: str
    exact: bool = True
    efficiency: str | None = None


_INTEL = {
    **dict.fromkeys((0x0F, 0x16), Intel("Merom")),
    **dict.fromkeys((0x17, 0x1D), Intel("Penryn")),
    **dict.fromkeys((0x1C, 0x26), Intel("Bonnell")),
    **dict.fromkeys((0x27, 0x35, 0x36), Intel("Saltwell")),
    **dict.fromkeys((0x1A, 0x1E, 0x1F, 0x2E), Intel("Nehalem")),
    **dict.fromkeys((0x25, 0x2C, 0x2F), Intel("Westmere")),
    **dict.fromkeys((0x2A, 0x2D), Intel("Sandy Bridge")),
    **dict.fromkeys((0x3A, 0x3E), Intel("Ivy Bridge")),
    **dict.fromkeys((0x3C, 0x3F, 0x45, 0x46), Intel("Haswell")),
    **dict.fromkeys((0x3D, 0x47, 0x4F, 0x56), Intel("Broadwell")),
    **dict.fromkeys((0x4E, 0x5E), Intel("Skylake")),
    # One number each for Kaby, Coffee, Whiskey, Amber and Comet Lake.
    **dict.fromkeys((0x8E, 0x9E), Intel("Kaby Lake", exact=False)),
    **dict.fromkeys((0xA5, 0xA6), Intel("Comet Lake")),
    0x66: Intel("Cannon Lake"),
    **dict.fromkeys((0x6A, 0x6C, 0x7D, 0x7E), Intel("Sunny Cove")),
    **dict.fromkeys((0x8C, 0x8D), Intel("Willow Cove")),
    0xA7: Intel("Cypress Cove"),
    0x8A: Intel("Sunny Cove", efficiency="Tremont"),
    0x8F: Intel("Golden Cove"),
    **dict.fromkeys((0x97, 0x9A), Intel("Golden Cove", efficiency="Gracemont")),
    0xCF: Intel("Raptor Cove"),
    **dict.fromkeys((0xB7, 0xBA, 0xBF), Intel("Raptor Cove", efficiency="Gracemont")),
    **dict.fromkeys((0xAA, 0xAC), Intel("Redwood Cove", efficiency="Crestmont")),
    **dict.fromkeys((0xAD, 0xAE), Intel("Redwood Cove")),
    **dict.fromkeys((0xBD, 0xC5, 0xC6), Intel("Lion Cove", efficiency="Skymont")),
    0xB5: Intel("Redwood Cove", efficiency="Crestmont"),
    0xCC: Intel("Cougar Cove", efficiency="Darkmont"),
    **dict.fromkeys((0x37, 0x4A, 0x4D, 0x5A, 0x5D), Intel("Silvermont")),
    0x4C: Intel("Airmont"),
    **dict.fromkeys((0x5C, 0x5F), Intel("Goldmont")),
    0x7A: Intel("Goldmont Plus"),
    **dict.fromkeys((0x86, 0x96, 0x9C), Intel("Tremont")),
    0xBE: Intel("Gracemont"),
    **dict.fromkeys((0xAF, 0xB6), Intel("Crestmont")),
    0xDD: Intel("Darkmont"),
    0x57: Intel("Knights Landing"),
    0x85: Intel("Knights Mill"),
}
# Family 6, model 0x55: three generations that only steppings tell apart.
_SKYLAKE_SERVER = ((range(5), "Skylake-X"), (range(5, 8), "Cascade Lake"),
                   (range(10, 12), "Cooper Lake"))  # fmt: skip

# By family: ranges of models, and what an unlisted model of that family is most likely.
_AMD: dict[int, tuple[tuple[tuple[range, str], ...], str | None]] = {
    0x10: ((), "K10"),
    0x15: (((range(0x02), "Bulldozer"), (range(0x02, 0x20), "Piledriver"),
            (range(0x30, 0x40), "Steamroller"), (range(0x60, 0x80), "Excavator")), None),
    0x16: (((range(0x10), "Jaguar"), (range(0x30, 0x40), "Puma")), None),
    0x17: (((range(0x08, 0x09), "Zen+"), (range(0x18, 0x19), "Zen+"), (range(0x30), "Zen"),
            (range(0x50, 0x60), "Zen"), (range(0x30, 0x50), "Zen 2"), (range(0x60, 0x80), "Zen 2"),
            (range(0x90, 0x92), "Zen 2"), (range(0xA0, 0xB0), "Zen 2")), "Zen 2"),
    0x18: (((range(0x10), "Zen"),), "Zen"),
    0x19: (((range(0x10), "Zen 3"), (range(0x20, 0x60), "Zen 3"), (range(0x10, 0x20), "Zen 4"),
            (range(0x60, 0xB0), "Zen 4")), "Zen 4"),
    0x1A: (((range(0x30), "Zen 5"), (range(0x40, 0x50), "Zen 5"), (range(0x60, 0x80), "Zen 5"),
            (range(0x50, 0x60), "Zen 6"), (range(0x80, 0xB0), "Zen 6"),
            (range(0xC0, 0xD0), "Zen 6")), "Zen 5"),
}  # fmt: skip


def label(
    vendor: str, family: int, model: int, stepping: int | None, kind: CoreKind | None
) -> Microarchitecture | None:
    """The microarchitecture of a CPU; None where not even its family is known here."""
    if vendor == "GenuineIntel" and family == 6:
        return _intel(model, stepping, kind)
    if vendor in {"AuthenticAMD", "HygonGenuine"} and family in _AMD:
        ranges, likely = _AMD[family]
        found = next((name for models, name in ranges if model in models), None)
        named = found or likely
        return Microarchitecture(name=named, exact=found is not None) if named else None
    return None


def is_hybrid(vendor: str, family: int, model: int) -> bool:
    """Whether CPUs of this model have cores of two kinds."""
    known = _INTEL.get(model) if vendor == "GenuineIntel" and family == 6 else None
    return known is not None and known.efficiency is not None


def _intel(model: int, stepping: int | None, kind: CoreKind | None) -> Microarchitecture | None:
    if model == 0x55:
        found = next((name for steps, name in _SKYLAKE_SERVER if stepping in steps), None)
        return Microarchitecture(name=found or "Skylake-X", exact=found is not None)
    known = _INTEL.get(model)
    if known is None:
        return None
    if known.efficiency is None or kind == "performance":
        return Microarchitecture(name=known.name, exact=known.exact)
    if kind == "efficiency":
        return Microarchitecture(name=known.efficiency, exact=True)
    # A guest, or an old kernel, does not say which of the two kinds its CPUs are.
    return Microarchitecture(name=f"{known.name} or {known.efficiency}", exact=False)
