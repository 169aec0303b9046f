"""Numbers of one unit each, for files that people write by hand.

`max_frequency_mhz: 2.4 GHz` is answered with what to write instead.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBER = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z/]*)\s*")


def _in(unit: str, factors: Mapping[str, float]) -> BeforeValidator:
    """Refuses text. Where it names a unit that is known, the error says the number in `unit`."""

    def check(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = _NUMBER.fullmatch(value)
        factor = factors.get(found[2].lower()) if found else None
        if found is None or factor is None:
            raise ValueError(f"write a plain number, in {unit}")
        raise ValueError(f"write {float(found[1]) * factor:g}, which is in {unit}")

    return BeforeValidator(check)


_HERTZ = {"": 1, "khz": 1e-3, "mhz": 1, "ghz": 1e3}
_BYTES_S = {"": 1, "mb/s": 1e-3, "gb/s": 1, "gib/s": 2**30 / 1e9, "tb/s": 1e3}
_TRANSFERS = {"": 1, "mt/s": 1, "gt/s": 1e3, "mbps": 1, "mb/s": 1, "mhz": 2}

Megahertz = Annotated[float, Field(ge=100, le=10_000), _in("MHz", _HERTZ)]
Transfers = Annotated[float, Field(ge=100, le=50_000), _in("MT/s", _TRANSFERS)]
Gigabytes_s = Annotated[float, Field(gt=0, le=50_000), _in("GB/s", _BYTES_S)]
Watts = Annotated[float, Field(gt=0, le=10_000), _in("W", {"": 1, "w": 1, "mw": 1e-3, "kw": 1e3})]
Bits = Annotated[int, Field(ge=8, le=16_384), _in("bits", {"": 1, "bit": 1, "bits": 1})]
Gibibytes = Annotated[float, Field(gt=0, le=16_384), _in("GiB", {"": 1, "gib": 1, "gb": 1})]
Count = Annotated[int, Field(ge=1, le=4096)]
