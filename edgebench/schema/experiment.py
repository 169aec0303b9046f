"""What an experiment of the claims suite saw: measurements that no cell of `edgebench run` holds.

One document per experiment and device, in the long form: each point names its conditions and what
was measured under them. Raw, like the record of a run: every estimate and verdict is computed
when the file is read. A block is the unit of replication: fresh processes, all conditions once, in
random order (docs/method.md).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from edgebench.schema import Strict, Utc, Whole
from edgebench.schema.cell import MeasuredFile
from edgebench.schema.device import Device
from edgebench.schema.note import Note
from edgebench.schema.result import Engine

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Scalar = str | int | float | bool | None


class Point(Strict):
    """One measurement. `values` are numbers with units in their names; null: not measured, `why`.

    `verified` is false where the output was held against a reference and was wrong (its speed is
    then never used), null where there is no reference for it.
    """

    condition: dict[Name, Scalar]
    values: dict[Name, float | None]
    verified: bool | None = None
    why: str | None = None


class Block(Strict):
    """All conditions once, in the order in which they were measured."""

    index: Whole
    started_utc: Utc
    load_average: float | None
    points: tuple[Point, ...]


class Experiment(Strict):
    """`version` moves whenever the points of two versions may not be pooled."""

    schema_version: Literal[1]
    record: Literal["experiment"]
    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    version: Whole
    edgebench_version: str
    run_id: str
    started_utc: Utc
    finished_utc: Utc | None
    device: Device
    engines: tuple[Engine, ...]
    files: tuple[MeasuredFile, ...]
    settings: dict[Name, Scalar]
    seed: Whole
    blocks: tuple[Block, ...]
    warnings: tuple[Note, ...]
