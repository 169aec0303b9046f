"""Write the JSON Schemas of every file that edgebench reads or writes to docs/schema/."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgebench.schema.calibration import Calibration
from edgebench.schema.ceilings import Ceilings
from edgebench.schema.claim import Verdicts
from edgebench.schema.comparison import Comparison, GateReport
from edgebench.schema.doctor import Checkup
from edgebench.schema.experiment import Experiment
from edgebench.schema.hardware import Profile
from edgebench.schema.imported import Imported
from edgebench.schema.model import Catalog
from edgebench.schema.result import Result

if TYPE_CHECKING:
    from pydantic import BaseModel

FOLDER = Path(__file__).parent.parent / "docs" / "schema"
PUBLISHED: dict[str, type[BaseModel]] = {
    "result.v1.schema.json": Result,
    "imported.v1.schema.json": Imported,
    "comparison.v1.schema.json": Comparison,
    "gate.v1.schema.json": GateReport,
    "calibration.v1.schema.json": Calibration,
    "models.v1.schema.json": Catalog,
    "ceilings.v1.schema.json": Ceilings,
    "doctor.v1.schema.json": Checkup,
    "hardware.v1.schema.json": Profile,
    "experiment.v1.schema.json": Experiment,
    "verdicts.v1.schema.json": Verdicts,
}


def text_of(name: str) -> str:
    """The schema as it must stand in `docs/schema/<name>`: editors show what each field means."""
    schema = PUBLISHED[name].model_json_schema(mode="validation")
    _describe(PUBLISHED[name], schema)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=1, sort_keys=True) + "\n"


def _describe(document: type[BaseModel], schema: dict[str, Any]) -> None:
    """The same words as in docs/reference/schema.md."""
    from scripts import reference_fields

    parts = schema.get("$defs", {}) | {document.__name__: schema}
    for model in reference_fields.within(document):
        for field, told in parts[model.__name__].get("properties", {}).items():
            if said := reference_fields.meaning(model, field):
                told["description"] = said


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in PUBLISHED:
        (FOLDER / name).write_text(text_of(name), encoding="utf-8")
        print(FOLDER / name)
