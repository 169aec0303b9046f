"""Write the JSON Schemas of every file that edgebench reads or writes to docs/schema/."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from edgebench.schema.model import Catalog
from edgebench.schema.result import Result

if TYPE_CHECKING:
    from pydantic import BaseModel

FOLDER = Path(__file__).parent.parent / "docs" / "schema"
PUBLISHED: dict[str, type[BaseModel]] = {
    "result.v1.schema.json": Result,
    "models.v1.schema.json": Catalog,
}


def text_of(name: str) -> str:
    """The schema as it must stand in `docs/schema/<name>`."""
    schema = PUBLISHED[name].model_json_schema(mode="validation")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in PUBLISHED:
        (FOLDER / name).write_text(text_of(name), encoding="utf-8")
        print(FOLDER / name)
