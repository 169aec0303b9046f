"""Imported figures in a report: shown, marked, and never among what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgebench import files
from edgebench.analysis.interchange import reading
from edgebench.analysis.report_choice import Choice, choose
from edgebench.analysis.report_reading import Collection, read
from edgebench.errors import BadInput, UnknownName
from edgebench.report import folder
from edgebench.report.plots import PLOTS
from tests import report_maker as maker

DATA = Path(__file__).parent / "interchange" / "data"
NOW = "2026-01-01T00:00:00Z"


def imported(base: Path, source: str, name: str, when: str = NOW) -> None:
    (record,) = reading.records([reading.read(DATA / source)], None, when)
    (base / name).write_text(files.to_json(record))


def both(base: Path) -> Collection:
    maker.write(base, "a.json", maker.record())
    imported(base, "localscore-bench.json", "foreign.json")
    return read([base])


def page(found: Collection, name: str = "index.html", records_url: str = "") -> str:
    make = folder.markdown if name == "report.md" else folder.html
    text = make(found, "A title", lambda _: None, records_url)[name]
    assert isinstance(text, str)
    return text


def test_imports_are_rows_of_their_own(tmp_path: Path) -> None:
    found = both(tmp_path)

    assert [row.workload for row in found.imported] == ["pp1024+tg16", "pp4096+tg256"]
    assert found.imported[0].decode is not None
    assert found.imported[0].decode.estimate == pytest.approx(794.430171)
    assert found.imported[0].decode.low is None, "one file is one launch: there is no interval"
    (device,) = found.imported_devices
    assert (device.tool, device.named_by) == ("localscore", "source")
    assert not found.refused
    assert {row.device for row in found.cells} == {"board-4cpu"}


def test_no_plot_takes_an_import_for_a_measurement(tmp_path: Path) -> None:
    with_imports = both(tmp_path)
    (tmp_path / "foreign.json").unlink()
    without = read([tmp_path])

    for plot in PLOTS.values():
        assert plot(with_imports.cells).numbers == plot(without.cells).numbers


def test_the_page_marks_them(tmp_path: Path) -> None:
    text = page(both(tmp_path))

    section = text[text.index('<section id="imported">') : text.index('<section id="devices">')]
    assert "nobody verified" in section
    assert section.count(">not possible<") == 2
    assert "794.4" in section
    assert "imported from localscore" in text[text.index('<section id="devices">') :]


def test_imports_alone_make_a_page(tmp_path: Path) -> None:
    imported(tmp_path, "llama-bench.json", "foreign.json")

    text = page(read([tmp_path]))

    assert "both, tok/s" in text, "a rate over prompt and answer together has a column of its own"
    assert 'id="ladder" class="none"' in text


def test_a_later_import_replaces_the_same_cell(tmp_path: Path) -> None:
    imported(tmp_path, "localscore-bench.json", "new.json", "2026-02-01T00:00:00Z")
    imported(tmp_path, "localscore-bench.json", "old.json")

    found = read([tmp_path])

    assert {row.source for row in found.imported} == {"new.json"}
    assert found.older == 2


def test_filters_choose_imports_as_well(tmp_path: Path) -> None:
    found = both(tmp_path)

    chosen = choose(found, Choice(model=("llama Medium",)))
    assert (len(chosen.cells), len(chosen.imported), len(chosen.devices)) == (0, 2, 0)
    held = choose(found, Choice(isa=("armv8",)))
    assert not held.imported
    assert not held.imported_devices
    assert held.cells
    with pytest.raises(UnknownName):
        choose(found, Choice(model=("no such model",)))


def test_an_import_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    maker.write(tmp_path, "a.json", maker.record())
    imported(tmp_path, "localscore-bench.json", "foreign.json")
    record = json.loads((tmp_path / "foreign.json").read_text())
    record["cells"][0]["model"] = "another"
    (tmp_path / "foreign.json").write_text(json.dumps(record))

    found = read([tmp_path])

    assert [each.file for each in found.refused] == ["foreign.json"]
    assert "is not the hash of the cell" in found.refused[0].reason
    assert not found.imported


def test_markdown_links_records_too(tmp_path: Path) -> None:
    text = page(both(tmp_path), "report.md", "../results")

    assert "](<../results/a.json>)" in text
    assert "](<../results/foreign.json>)" in text
    assert "](<" not in page(both(tmp_path), "report.md")


def test_nothing_to_show_is_still_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(BadInput):
        read([tmp_path])
