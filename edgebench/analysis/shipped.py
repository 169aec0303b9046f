"""What the profile of a record's device says, where that profile ships with edgebench."""

from __future__ import annotations

import re
from functools import cache

from edgebench import files
from edgebench.schema.hardware import Profile

PROFILE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,40}/[a-z0-9][a-z0-9.-]{0,60}")


@cache
def profile(name: str | None) -> Profile | None:
    """None for a device without one, and for one of a stranger's folder."""
    if name is None or not PROFILE_ID.fullmatch(name):
        return None
    path = files.packaged("hardware") / f"{name}.yaml"
    return files.read_yaml(path, Profile) if path.exists() else None


def envelope(name: str | None) -> tuple[float, float, str] | None:
    """Least and most watts that the vendor names, and whose words that are.

    Where only a thermal design power is named, the least is 0.
    """
    found = profile(name)
    power = found.power if found else None
    highest = (power.max_w or power.tdp_w) if power else None
    if power is None or highest is None:
        return None
    return power.min_w or 0.0, highest, f"the profile {name} names up to {highest:g} W"
