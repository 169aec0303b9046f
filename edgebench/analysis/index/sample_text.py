"""A sample as JSON text and back, exactly: floats are written at full precision."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from edgebench.analysis.compare_samples import Machine, Sample, Weights
from edgebench.analysis.energy import Figure
from edgebench.analysis.imported import ForeignCell
from edgebench.schema.cell import Cell
from edgebench.schema.imported import ImportedWorkload
from edgebench.schema.interval import Interval
from edgebench.schema.workload import Workload

if TYPE_CHECKING:
    from pydantic import BaseModel

INTERVALS = ("joules_per_token", "tokens_per_joule", "watts", "above_idle_joules_per_token")
# An index whose samples have other fields is of another version of edgebench: made anew.
FIELDS = ",".join((*Sample._fields, *Machine._fields, *Weights._fields, *Figure._fields))


def dump(sample: Sample) -> str:
    """One line; cells are text within it, so that pydantic reads them back by itself."""
    fields = sample._asdict() | {
        "machine": sample.machine._asdict(),
        "launches": sorted(sample.launches),
        "energy": [each._asdict() for each in sample.energy],
    }
    if isinstance(sample.cell, ForeignCell):
        fields["foreign"] = sample.cell._asdict()
        fields["cell"] = None
    else:
        fields["cell"] = sample.cell.model_dump_json()
    return json.dumps(fields, default=_plain)


def load(text: str) -> Sample:
    """The sample that `dump` wrote."""
    fields: dict[str, Any] = json.loads(text)
    foreign = fields.pop("foreign", None)
    cell = _foreign(foreign) if foreign else Cell.model_validate_json(fields["cell"])
    machine = fields["machine"]
    machine["bandwidth_gb_s"] = _by_number(machine["bandwidth_gb_s"])
    values = {metric: _by_number(each) for metric, each in fields["values"].items()}
    return Sample(
        **fields
        | {
            "cell": cell,
            "machine": Machine(**machine),
            "weights": Weights(*fields["weights"]),
            "launches": frozenset(fields["launches"]),
            "values": values,
            "energy": tuple(_figure(each) for each in fields["energy"]),
        }
    )


def _foreign(fields: dict[str, Any]) -> ForeignCell:
    workload, text = fields["workload"], json.dumps(fields["workload"])
    schema = Workload if "scenario" in workload else ImportedWorkload
    options = tuple((name, value) for name, value in fields["options"])
    return ForeignCell(
        **fields | {"workload": schema.model_validate_json(text), "options": options}
    )


def _figure(fields: dict[str, Any]) -> Figure:
    told = {
        name: None if fields[name] is None else Interval.model_validate(fields[name])
        for name in INTERVALS
    }
    return Figure(**fields | told | {"meters": tuple(fields["meters"])})


def _by_number(values: dict[str, float]) -> dict[int, float]:
    return {int(place): value for place, value in values.items()}


def _plain(model: BaseModel) -> Any:
    return model.model_dump(mode="json")
