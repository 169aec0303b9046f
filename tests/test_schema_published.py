"""docs/schema/ is generated, current, and good enough for another validator."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from scripts import schema

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", sorted(schema.PUBLISHED))
def test_the_published_schema_is_current(name: str) -> None:
    assert (schema.FOLDER / name).read_text(encoding="utf-8") == schema.text_of(name), (
        "run: python scripts/schema.py"
    )


@pytest.mark.parametrize("path", sorted((ROOT / "results").rglob("*.json")), ids=lambda p: p.name)
def test_committed_records_fit_the_published_schema(path: Path) -> None:
    kind = "experiment" if path.name.endswith(".experiment.json") else "result"
    published = json.loads((schema.FOLDER / f"{kind}.v1.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(published)
    assert not list(validator.iter_errors(json.loads(path.read_text("utf-8"))))


def test_the_published_schema_refuses_what_we_refuse() -> None:
    published = json.loads((schema.FOLDER / "models.v1.schema.json").read_text(encoding="utf-8"))
    wrong = {"version": 1, "default": "x", "models": {}, "mode1s": {}}
    assert list(jsonschema.Draft202012Validator(published).iter_errors(wrong))


@pytest.mark.parametrize("name", sorted(schema.PUBLISHED))
def test_every_published_field_says_what_it_means(name: str) -> None:
    published = json.loads((schema.FOLDER / name).read_text(encoding="utf-8"))
    parts = {"the document": published, **published.get("$defs", {})}
    fields = {
        f"{part}.{field}": said.get("description")
        for part, found in parts.items()
        for field, said in found.get("properties", {}).items()
    }
    assert fields
    assert [field for field, said in fields.items() if not said] == []
