"""A made-up powercap folder, zone by zone."""

from __future__ import annotations

RAPL = "sys/class/powercap"


def zone(folder: str, name: str, energy_uj: int = 10**9, range_uj: int = 2**38) -> dict[str, str]:
    return {
        f"{RAPL}/{folder}/name": f"{name}\n",
        f"{RAPL}/{folder}/energy_uj": f"{energy_uj}\n",
        f"{RAPL}/{folder}/max_energy_range_uj": f"{range_uj}\n",
    }
