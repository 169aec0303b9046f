"""The bundled price table and the prices that hardware profiles cite."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from edgebench import files
from edgebench.schema.hardware import Profile
from edgebench.schema.prices import Prices

if TYPE_CHECKING:
    from edgebench.schema.prices import ApiPrice

# A profile's id comes from a record, so from a stranger: it must not lead out of the folder.
_PROFILE_ID = re.compile(r"^[a-z0-9][a-z0-9.-]*/[a-z0-9][a-z0-9.-]*$")


@cache
def load() -> Prices:
    return files.read_yaml(files.packaged("prices.v1.yaml"), Prices)


def cheapest_api() -> ApiPrice:
    """By output tokens, in dollars, of the newest date in the table."""
    dollars = [each for each in load().api if each.currency == "USD"]
    newest = max(each.date for each in dollars)
    return min(
        (each for each in dollars if each.date == newest), key=lambda e: e.output_per_million
    )


def device_price_usd(profile: str | None) -> float | None:
    """What the device's profile says that it cost; None where no profile or price is known."""
    if profile is None or not _PROFILE_ID.fullmatch(profile):
        return None
    path = files.packaged("hardware") / f"{profile}.yaml"
    if not path.is_file():
        return None
    price = files.read_yaml(path, Profile).price
    return price.amount if price and price.currency == "USD" else None
