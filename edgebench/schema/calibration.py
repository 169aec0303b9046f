"""What `edgebench calibrate` found: how small a difference this machine can show.

Kept in the cache folder, one file per device, cell and number of pairs; `gate` reads it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from edgebench.schema import Quantity, Strict, Utc, Whole
from edgebench.schema.cell import CellId
from edgebench.schema.comparison import Metric, Share


class Detectable(Strict):
    """`half_width` of the 95 % interval of A against A, and `smallest`: the slowdown as a share
    that is found in `power` of repetitions with as many pairs. `false_alarm` is whether this very
    run of a program against itself showed a difference.
    """

    half_width: Share
    smallest: Share
    false_alarm: bool


class Calibration(Strict):
    schema_version: Literal[1]
    edgebench_version: str
    created_utc: Utc
    device: str
    cell: CellId
    label: str
    pairs: Whole
    power: Annotated[float, Field(gt=0, lt=1)]
    contention: Quantity
    metrics: dict[Metric, Detectable]
