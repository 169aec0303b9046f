"""Time that passed in an emulator is never shown as speed, and everything else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.analysis import checking, metrics
from edgebench.report import details, table
from edgebench.report.progress import Goal, Pace
from edgebench.schema.result import CellResult, Result
from tests.conftest import golden, record_in
from tests.results_maker import cell, counted_cell, counters, decode_launches, result, verification

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Edgebench, Script

QEMU = "qemu-user 7.2 neoverse-n1"


def record(emulated: str | None, status: str = "passed") -> Result:
    entry = CellResult(cell=cell(), verification=verification(status),
                       launches=decode_launches(10, 11), emulated=emulated)  # fmt: skip
    device = result().device.model_copy(update={"emulated": emulated})
    return result(entry, device=device)


def test_a_run_in_an_emulator_marks_every_cell(
    edgebench: Edgebench, script: Script, environ: dict[str, str], tmp_path: Path
) -> None:
    environ["EDGEBENCH_EMULATED"] = QEMU

    done = edgebench("run", "--file", script(step_ns=[2_000_000]), "--workload", "tg4",
                     "--threads", "1", "--launches", "1")  # fmt: skip

    assert {entry.emulated for entry in record_in(tmp_path).cells} == {QEMU}
    assert "tok/s" in done.stdout
    assert "500" not in done.stdout + done.stderr, "2 ms a step"


@pytest.mark.parametrize("emulated", [None, QEMU])
def test_the_same_launches_have_a_speed_on_a_machine_and_none_in_an_emulator(
    emulated: str | None,
) -> None:
    (entry,) = record(emulated).cells

    summary = metrics.summarize(entry)
    times = summary.model_dump(exclude={"peak_rss_bytes"})

    assert metrics.may_show_speed(entry) is (emulated is None)
    assert metrics.is_sound(entry), "its output is right in both"
    assert (summary.decode_tok_s is None) is (emulated is not None)
    assert any(times.values()) is (emulated is None)
    assert summary.peak_rss_bytes is not None


def test_tables_show_no_rate_and_say_why() -> None:
    real, emulated = table.render(record(None)), table.render(record(QEMU))

    assert "95.35" in real
    assert "emulated" not in real
    assert "95.35" not in emulated
    assert f"warning  emulated: This machine was played by {QEMU}: no speed" in emulated
    (row,) = details.rows(record(QEMU))
    assert not [field for field in row if field.endswith(" ms")]
    assert [field for field in details.rows(record(None))[0] if field.endswith(" ms")]


def test_while_it_runs_no_rate_is_shown_either() -> None:
    goal = Goal(cells=1, precision=0.02, min_launches=2, max_launches=5, max_time_s=60, files=())

    def said(emulated: str | None) -> str:
        (entry,) = record(emulated).cells
        return Pace(goal, lambda: 0.0, 0.0).describe(entry)

    assert "95.3 tok/s" in said(None)
    assert said(QEMU).endswith(": emulated, no speed")


def test_contention_and_width_are_no_matter_where_no_time_is_shown() -> None:
    made = record(QEMU)
    (entry,) = made.cells
    slowed = tuple(
        ln.model_copy(update={"trials": tuple(
            t.model_copy(update={"counters": counters(run_delay_ns=40_000_000)})
            for t in ln.trials)})
        for ln in entry.launches
    )  # fmt: skip
    slow = entry.model_copy(update={"launches": slowed})

    shown = table.render(made.model_copy(update={"cells": (slow,)}))

    assert "contended" not in shown
    assert "wide" not in shown


def test_an_emulated_record_as_a_table() -> None:
    cells = counted_cell(30_650_000, 30_650_000)
    device = result().device.model_copy(update={"emulated": "qemu"})
    golden("table_emulated.txt", table.render(result(cells, device=device)))


def test_a_cell_cannot_be_passed_off_as_measured() -> None:
    honest = record(QEMU)
    (entry,) = honest.cells
    forged = honest.model_copy(update={"cells": (entry.model_copy(update={"emulated": None}),)})

    assert list(checking.problems(honest)) == []
    assert "cells.0.emulated: is not the device's." in list(checking.problems(forged))
