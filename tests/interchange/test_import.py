"""Foreign files become records that say what their source says, and are never verified."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from edgebench import files
from edgebench.analysis.interchange import reading
from edgebench.errors import BadInput
from edgebench.schema.imported import Imported
from tests.interchange.makers import DATA, NOW, imported_record, written

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Edgebench


def test_files_of_one_configuration_are_launches_of_one_cell(tmp_path: Path) -> None:
    rows = json.loads((DATA / "llama-bench-gpu.json").read_text())
    again = [row | {"samples_ns": [ns + 10**6 for ns in row["samples_ns"]]} for row in rows]
    second = written(tmp_path, "again.json", json.dumps(again))
    reads = [reading.read(DATA / "llama-bench-gpu.json"), reading.read(second)]

    (record,) = reading.records(reads, "my-desk", NOW)

    assert [len(cell.launches) for cell in record.cells] == [2, 2]
    assert (record.device.id, record.device.named_by) == ("my-desk", "user")


def test_rows_of_one_file_are_repetitions_of_one_launch(tmp_path: Path) -> None:
    rows = json.loads((DATA / "llama-bench-gpu.json").read_text())
    path = written(tmp_path, "twice.json", json.dumps([rows[0], rows[0]]))

    (record,) = reading.records([reading.read(path)], None, NOW)

    (cell,) = record.cells
    assert [len(each.timings[0].samples_ns) for each in cell.launches] == [10]


def test_the_same_file_twice_is_refused() -> None:
    reads = [reading.read(DATA / "llama-bench-gpu.json")] * 2
    with pytest.raises(BadInput, match="given twice"):
        reading.records(reads, None, NOW)


def test_an_import_can_only_be_unverified() -> None:
    record = json.loads(files.to_json(imported_record("localscore.txt")))
    record["verification"]["status"] = "passed"

    with pytest.raises(ValueError, match="not_possible"):
        Imported.model_validate_json(json.dumps(record))


def test_from_the_command_line_to_a_table(edgebench: Edgebench, tmp_path: Path) -> None:
    done = edgebench("import", DATA / "llama-bench-gpu.json", "-o", tmp_path / "out.json")

    assert done.stdout.strip() == str(tmp_path / "out.json")
    shown = edgebench("show", tmp_path / "out.json")
    assert "± 140.3" in shown.stdout
    assert "does not verify its output" in shown.stdout
    assert edgebench("check", tmp_path / "out.json").returncode == 0


def test_two_devices_do_not_fit_one_file(edgebench: Edgebench, tmp_path: Path) -> None:
    both = [DATA / "llama-bench-gpu.json", DATA / "localscore.txt"]

    done = edgebench("import", *both, "-o", tmp_path / "out.json")

    assert done.returncode == 2
    assert "make 2 records" in done.stderr


def test_compare_shows_imports_with_a_footnote(edgebench: Edgebench, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = json.loads((DATA / "llama-bench-gpu.json").read_text())
    slower = [row | {"samples_ns": [2 * ns for ns in row["samples_ns"]]} for row in rows]
    new = written(tmp_path, "new.json", json.dumps(slower))
    edgebench("import", DATA / "llama-bench-gpu.json", "-o", tmp_path / "a.json")
    edgebench("import", new, "-o", tmp_path / "b.json")

    done = edgebench("compare", tmp_path / "a.json", tmp_path / "b.json")

    assert done.returncode == 0, done.stderr
    assert "too few launches" in done.stdout
    assert "0.500" in done.stdout
    assert "Imported from llama-bench, which does not verify its output" in done.stdout


def test_the_gate_takes_no_imports(edgebench: Edgebench, tmp_path: Path) -> None:
    edgebench("import", DATA / "llama-bench-gpu.json", "-o", tmp_path / "a.json")

    done = edgebench("gate", tmp_path / "a.json", tmp_path / "a.json")

    assert done.returncode == 2
    assert "is an imported record: its output was never verified" in done.stderr
