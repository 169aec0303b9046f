"""A named warning, as records, checkups and ceilings carry it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edgebench.schema import Strict


class Note(Strict):
    """A named warning: what was seen and what to do about it. Shown under every table."""

    name: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    message: str
