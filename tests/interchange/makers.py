"""Other tools' files, what is read out of them, and records of ours to export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgebench import files
from edgebench.analysis import checking, imported
from edgebench.analysis.interchange import reading
from edgebench.schema.result import CellResult
from tests.results_maker import cell, decode_launches, result, verification

if TYPE_CHECKING:
    from edgebench.schema.imported import Imported, ImportedCell

DATA = Path(__file__).parent / "data"
NOW = "2026-01-01T00:00:00Z"
SHOWN_MS, HIDDEN_MS = (10.0, 10.2, 10.4), (77.0, 77.0)


def imported_record(name: str) -> Imported:
    (record,) = reading.records([reading.read(DATA / name)], None, NOW)
    assert not list(checking.problems(record))
    return record


def written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def rates(cell: ImportedCell) -> dict[str, float]:
    return {name: each[0] for name, each in imported.values(cell).items()}


def save(path: Path, *entries: CellResult, **fields: Any) -> Path:
    files.write_atomic(path, files.to_json(result(*entries, **fields)))
    return path


def entry(workload: str = "tg4", status: str = "passed", **fields: Any) -> CellResult:
    plain: dict[str, Any] = {"cell": cell(workload), "launches": decode_launches(*SHOWN_MS)}
    return CellResult(verification=verification(status), **(plain | fields))
