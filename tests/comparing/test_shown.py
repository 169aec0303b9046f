"""A comparison as table, Markdown, CSV and JSON, and the verb."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from edgebench.analysis import compare_naming
from edgebench.analysis.compare import compare
from edgebench.analysis.compare_samples import SideSamples
from edgebench.report import comparison
from edgebench.schema.cell import Options
from edgebench.schema.comparison import Comparison
from tests.comparing.makers import BACKEND, SLOWER_MS, decode, record, side, write, wrong
from tests.conftest import Edgebench, golden
from tests.results_maker import DEVICE, cell

if TYPE_CHECKING:
    from pathlib import Path


LABEL = "tiny Q4_0 llama.cpp armv8.2_1 4t tg4"


def test_extreme_figures_are_shown_and_crash_nothing() -> None:
    fast, slow = record(1e-6, 2e-6, 3e-6), record(0.9e12, 1e12, 1.1e12, run_id="ffffffff")

    shown = comparison.text(compare([side("old", fast), side("new", slow)]))

    assert re.search(r"decode tok/s +\d\.\d+e\+08 +\d\.\d+e-09 +\d\.\d+e-18 ", shown)
    assert all(len(line) < 300 for line in shown.splitlines())


def hostile() -> SideSamples:
    made = side("=cmd|' /C calc'!A1", record(*SLOWER_MS, run_id="ffffffff"))
    (sample,) = made.samples
    label = "<script>|`x`\n\x1b[31m@everyone"
    return made._replace(samples=(sample._replace(label=label),))


def test_strangers_strings_command_neither_terminal_nor_markdown_nor_spreadsheet() -> None:
    found = compare([side("old", record()), hostile()])

    assert "\x1b" not in comparison.text(found)
    marked = comparison.to_markdown(found)
    assert "<script>" not in marked
    assert all(line.count(" | ") == 7 for line in marked.splitlines() if line.startswith("|"))
    rows = list(csv.DictReader(io.StringIO(comparison.to_csv(found))))
    assert {row["side"] for row in rows} == {"'=cmd|' /C calc'!A1"}


def test_cells_that_differ_in_options_alone_say_in_which() -> None:
    big, little = (cell(options=Options(cpus=cpus)) for cpus in ("4-7", "0-3"))
    sides = [side("old", record(cells=(big, little))), side("new", record(cells=(big,)))]

    found = compare(sides)

    assert {row.label for row in found.differences} == {f"{LABEL}, cpus 4-7"}
    assert {row.label for row in found.refusals} == {f"{LABEL}, cpus 0-3"}


def test_a_looped_cell_beside_a_launched_one_says_so() -> None:
    (launched,) = side("old", record()).samples
    looped = launched._replace(looped=True)
    (one,) = compare_naming.told_apart([SideSamples("old", 2, (launched, looped), {})])

    assert [each.label for each in one.samples] == [f"{LABEL}, sustain off", f"{LABEL}, sustain on"]


def three() -> Comparison:
    other = record(*SLOWER_MS, device=DEVICE.model_copy(update={"id": "other"}))
    refused = record(cells=(cell("tg8"), BACKEND), run_id="ffffffff")
    return compare([side("old", record()), side("new", refused), side("there", other)])


def test_a_comparison_as_a_table() -> None:
    golden("compare.txt", comparison.text(three()))


def test_a_comparison_as_markdown() -> None:
    golden("compare.md", comparison.to_markdown(three()))


def test_a_comparison_as_csv_has_a_line_per_figure() -> None:
    found = three()
    rows = list(csv.DictReader(io.StringIO(comparison.to_csv(found))))

    assert len(rows) == len(found.differences) + len(found.devices)
    ratios = [float(row["ratio"]) for row in rows if row["ratio"]]
    assert ratios == [each.ratio.estimate for each in found.differences]


def test_the_verb_in_every_format(edgebench: Edgebench, tmp_path: Path) -> None:
    write(tmp_path, "a.json", record())
    write(tmp_path, "b.json", record(*SLOWER_MS))

    table = edgebench("compare", "a.json", "b.json")
    as_json = edgebench("compare", "a.json", "b.json", "--format", "json")

    assert "worse" in table.stdout, table.stderr
    assert decode(Comparison.model_validate_json(as_json.stdout)).finding == "worse"
    for name in ("markdown", "csv"):
        assert "decode" in edgebench("compare", "a.json", "b.json", "--format", name).stdout


def test_the_verb_refuses_with_a_sentence(edgebench: Edgebench, tmp_path: Path) -> None:
    write(tmp_path, "a.json", record())
    write(tmp_path, "b.json", wrong())

    done = edgebench("compare", "a.json", "b.json")

    assert done.returncode == 2
    assert "cells.verification" in done.stderr
    assert "Traceback" not in done.stderr
