"""What a report shows of one record, as JSON text and back, exactly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from edgebench.analysis.energy import Figure
from edgebench.analysis.report_rows import (
    Ceiling,
    CellRow,
    DeviceRow,
    FileRow,
    MemoryParts,
    Quality,
    Rows,
)
from edgebench.analysis.report_sustained import Window
from edgebench.schema.cell import Options
from edgebench.schema.interval import Interval
from edgebench.schema.workload import Workload

if TYPE_CHECKING:
    from pydantic import BaseModel

_KINDS = (CellRow, DeviceRow, FileRow, MemoryParts, Quality, Ceiling, Figure, Window)
# An index whose rows have other fields is of another version of edgebench: made anew.
FIELDS = ",".join(name for kind in _KINDS for name in kind._fields)
_PARTS = {"memory": MemoryParts, "quality": Quality, "prefill_ceiling": Ceiling,
          "decode_ceiling": Ceiling}  # fmt: skip
_INTERVALS = ("prefill", "decode", "first_token_s", "load_s", "cpu_s_per_token")
_OF_ENERGY = ("joules_per_token", "tokens_per_joule", "watts", "above_idle_joules_per_token")


def dump(rows: Rows) -> str:
    """One line: named tuples are lists, models objects."""
    return json.dumps(rows, default=_plain)


def load(text: str) -> Rows:
    """The rows that `dump` wrote."""
    device, files, cells = json.loads(text)
    return Rows(
        DeviceRow(*device), tuple(FileRow(*each) for each in files), tuple(map(_cell, cells))
    )


def _cell(values: list[Any]) -> CellRow:
    row = CellRow(*values)
    told: dict[str, Any] = {name: _interval(getattr(row, name)) for name in _INTERVALS}
    for name, kind in _PARTS.items():
        found = getattr(row, name)
        told[name] = None if found is None else kind(*found)
    return row._replace(
        workload=Workload.model_validate(row.workload),
        options=Options.model_validate(row.options),
        energy=tuple(_figure(each) for each in row.energy),
        sustained=tuple(Window(*each) for each in row.sustained),
        **told,
    )


def _figure(values: tuple[Any, ...]) -> Figure:
    figure = Figure(*values)
    told: dict[str, Any] = {name: _interval(getattr(figure, name)) for name in _OF_ENERGY}
    return figure._replace(meters=tuple(figure.meters), **told)


def _interval(found: Any) -> Interval | None:
    return None if found is None else Interval.model_validate(found)


def _plain(model: BaseModel) -> Any:
    return model.model_dump(mode="json")
