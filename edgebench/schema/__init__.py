"""Every file that edgebench reads or writes, as strict and frozen types."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

# Bounds keep a stranger's numbers within what arithmetic here can take.
Whole = Annotated[int, Field(ge=0, le=2**63 - 1)]
Nanoseconds = Whole
Bytes = Whole
Index = Whole
Quantity = Annotated[float, Field(ge=0, le=1e15)]
Utc = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")]


class Strict(BaseModel):
    """Unknown keys and loose types are errors; a loaded document cannot change."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, ser_json_inf_nan="null"
    )
