"""Names of ARM cores, by the implementer and part number of their Main ID Register (MIDR_EL1).

Numbers are those of each core's Technical Reference Manual, as collected in Linux
(arch/arm64/include/asm/cputype.h) and in the Asahi project's list for Apple's cores. Cores that
Qualcomm derived from Arm's have names of their own here: their licensor's are not always known.
"""

from __future__ import annotations

IMPLEMENTERS = {
    "0x41": "Arm", "0x42": "Broadcom", "0x43": "Cavium", "0x46": "Fujitsu", "0x48": "HiSilicon",
    "0x4e": "NVIDIA", "0x50": "APM", "0x51": "Qualcomm", "0x53": "Samsung", "0x56": "Marvell",
    "0x61": "Apple", "0x6d": "Microsoft", "0x70": "Phytium", "0xc0": "Ampere",
}  # fmt: skip

_PARTS = {
    "0x41": {
        "0xb76": "ARM1176", "0xc05": "Cortex-A5", "0xc07": "Cortex-A7", "0xc08": "Cortex-A8",
        "0xc09": "Cortex-A9", "0xc0e": "Cortex-A17", "0xc0f": "Cortex-A15", "0xd01": "Cortex-A32",
        "0xd03": "Cortex-A53", "0xd04": "Cortex-A35", "0xd05": "Cortex-A55", "0xd06": "Cortex-A65",
        "0xd07": "Cortex-A57", "0xd08": "Cortex-A72", "0xd09": "Cortex-A73", "0xd0a": "Cortex-A75",
        "0xd0b": "Cortex-A76", "0xd0c": "Neoverse-N1", "0xd0d": "Cortex-A77",
        "0xd0e": "Cortex-A76AE", "0xd40": "Neoverse-V1", "0xd41": "Cortex-A78",
        "0xd42": "Cortex-A78AE", "0xd43": "Cortex-A65AE", "0xd44": "Cortex-X1",
        "0xd46": "Cortex-A510", "0xd47": "Cortex-A710", "0xd48": "Cortex-X2",
        "0xd49": "Neoverse-N2", "0xd4a": "Neoverse-E1", "0xd4b": "Cortex-A78C",
        "0xd4c": "Cortex-X1C", "0xd4d": "Cortex-A715", "0xd4e": "Cortex-X3",
        "0xd4f": "Neoverse-V2", "0xd80": "Cortex-A520", "0xd81": "Cortex-A720",
        "0xd82": "Cortex-X4", "0xd83": "Neoverse-V3AE", "0xd84": "Neoverse-V3",
        "0xd85": "Cortex-X925", "0xd87": "Cortex-A725", "0xd88": "Cortex-A520AE",
        "0xd89": "Cortex-A720AE", "0xd8a": "C1-Nano", "0xd8b": "C1-Pro", "0xd8c": "C1-Ultra",
        "0xd8e": "Neoverse-N3", "0xd8f": "Cortex-A320", "0xd90": "C1-Premium",
    },
    "0x43": {"0x0a1": "ThunderX", "0x0af": "ThunderX2", "0x0b8": "ThunderX3"},
    "0x46": {"0x001": "A64FX"},
    "0x48": {"0xd01": "TaiShan-v110", "0xd02": "TaiShan-v120", "0xd40": "Cortex-A76"},
    "0x4e": {"0x000": "Denver", "0x003": "Denver-2", "0x004": "Carmel", "0x010": "Olympus"},
    "0x51": {
        "0x001": "Oryon", "0x201": "Kryo", "0x205": "Kryo", "0x211": "Kryo",
        "0x800": "Kryo-2XX-Gold", "0x801": "Kryo-2XX-Silver", "0x802": "Kryo-3XX-Gold",
        "0x803": "Kryo-3XX-Silver", "0x804": "Kryo-4XX-Gold", "0x805": "Kryo-4XX-Silver",
        "0xc00": "Falkor",
    },
    "0x61": {
        "0x020": "Icestorm", "0x021": "Firestorm", "0x022": "Icestorm", "0x023": "Firestorm",
        "0x024": "Icestorm", "0x025": "Firestorm", "0x028": "Icestorm", "0x029": "Firestorm",
        "0x030": "Blizzard", "0x031": "Avalanche", "0x032": "Blizzard", "0x033": "Avalanche",
        "0x034": "Blizzard", "0x035": "Avalanche", "0x038": "Blizzard", "0x039": "Avalanche",
    },
    "0x6d": {"0xd49": "Azure-Cobalt-100"},
    "0xc0": {"0xac3": "Ampere-1", "0xac4": "Ampere-1A", "0xac5": "Ampere-1B"},
}  # fmt: skip

# The smaller of the cores that are built together, for kernels that do not say their capacity.
_LITTLE = frozenset(
    {"Cortex-A5", "Cortex-A7", "Cortex-A35", "Cortex-A53", "Cortex-A55", "Cortex-A510",
     "Cortex-A520", "Cortex-A520AE", "C1-Nano", "Icestorm", "Blizzard", "Kryo-2XX-Silver",
     "Kryo-3XX-Silver", "Kryo-4XX-Silver"}
)  # fmt: skip


def vendor(implementer: str) -> str | None:
    """Who designed the core; None for an implementer that is not known here."""
    return IMPLEMENTERS.get(implementer.lower())


def name(implementer: str, part: str) -> str | None:
    """The core's name; None where it is not known here, so that nothing is guessed."""
    return _PARTS.get(implementer.lower(), {}).get(part.lower())


def is_little(core: str | None) -> bool:
    """Whether this is the LITTLE one where cores of two kinds are built together."""
    return core in _LITTLE
