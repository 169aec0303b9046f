"""A report out of the index is the report out of the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.analysis import report_reading
from edgebench.analysis.index import report_text, reports
from edgebench.analysis.report_rows import rows_of
from edgebench.errors import BadInput
from tests import many_records
from tests import report_maker as maker
from tests.looping.makers import SECOND, looped
from tests.results_maker import cell, launch, result, verification

if TYPE_CHECKING:
    from pathlib import Path


def test_rows_come_back_as_they_were() -> None:
    from edgebench.schema.result import CellResult

    long = CellResult(
        cell=cell("tg4"),
        verification=verification(),
        launches=(launch(0, (), sustained=looped([SECOND] * 5)),),
    )
    for made in (maker.record(), maker.emulated(), maker.hostile(), result(long)):
        rows = rows_of(made)
        assert report_text.load(report_text.dump(rows)) == rows
    assert rows.cells[0].sustained


@pytest.mark.parametrize("times", [1, 2])
def test_many_records_are_the_same_from_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    monkeypatch.setattr(reports, "INDEXED_FROM", 2)
    folder = tmp_path / "many"
    many_records.write(folder, cells=12, per_record=4)
    maker.write(folder, "deep/full.json", maker.record())
    maker.write(folder, "verdicts.json", maker.verdicts())
    (folder / "bad.json").write_text("nothing")
    said: list[str] = []

    for _ in range(times):
        found = reports.read([folder], said.append, cache=tmp_path / "cache")

    assert found == report_reading.read([folder])
    assert [each.file for each in found.refused] == ["bad.json"]
    assert len(found.claims) == 1
    assert list((tmp_path / "cache/index").glob("*.duckdb"))


def test_a_record_that_is_written_anew_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "INDEXED_FROM", 1)
    maker.write(tmp_path, "in/a.json", maker.record("old"))
    reports.read([tmp_path / "in"], print, cache=tmp_path / "cache")

    maker.write(tmp_path, "in/a.json", maker.record("new"))

    found = reports.read([tmp_path / "in"], print, cache=tmp_path / "cache")
    assert [each.id for each in found.devices] == ["new"]


def test_a_cache_that_cannot_be_written_is_said_and_the_files_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "INDEXED_FROM", 1)
    maker.write(tmp_path, "a.json", maker.record())
    (tmp_path / "cache").write_text("a file, no folder")
    said: list[str] = []

    found = reports.read([tmp_path / "a.json"], said.append, cache=tmp_path / "cache")

    assert found.records == 1
    assert any("without an index" in each for each in said)


def test_a_missing_path_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "INDEXED_FROM", 1)
    with pytest.raises(BadInput, match=r"missing\.json"):
        reports.read([tmp_path / "missing.json"], print, cache=tmp_path / "cache")
