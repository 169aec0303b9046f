"""Energy as people and other programs see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench import files
from edgebench.analysis.checking import problems
from edgebench.report import energy as report
from edgebench.report import table
from edgebench.schema.result import Result
from tests.conftest import golden
from tests.power.figures_maker import joules, launched, measured
from tests.results_maker import DEVICE, result

if TYPE_CHECKING:
    from pathlib import Path


def test_energy_as_people_see_it() -> None:
    entry = measured(
        launched(0, joules(120.0), joules(None, method="sampled:hwmon", meter="VDD_IN",
                                      scope="module", quality="C", first_uj=None, last_uj=None,
                                      wraps=None)),
        launched(1, joules(126.0)),
    )  # fmt: skip
    idle = (joules(30.0, "idle", window_s=10.0, windows=1),)
    golden("energy.txt", report.render(result(entry, idle_energy=idle)))


def test_where_every_meter_failed_the_proxy_stands_by_its_name() -> None:
    page = table.render(result(measured(launched(0, joules(None)))))
    assert "It is gone." in page
    assert "proxy:cpu_seconds" in page
    assert "no energy" in page
    assert "energy of" not in table.render(result(measured(launched(0))))


def test_a_record_with_energy_survives_disk_and_check(tmp_path: Path) -> None:
    made = result(measured(launched(0, joules(120.0))), idle_energy=(joules(3.0, "idle"),))
    path = tmp_path / "record.json"
    files.write_atomic(path, files.to_json(made))

    assert files.read_json(path, Result) == made
    assert list(problems(made)) == []


def test_without_a_meter_details_name_proxies_and_the_envelope_as_what_they_are() -> None:
    board = DEVICE.model_copy(update={"profile": "nvidia/jetson-orin-nano-8gb"})

    shown = report.render_stand_ins(result(measured(launched(0), launched(1)), device=board))

    assert "proxy:cpu_seconds" in shown
    assert "CPU s/token, no energy" in shown
    bound = next(line for line in shown.splitlines() if "bound:tdp" in line)
    assert "3.5 - 12.5" in bound, "7 to 25 W, two tokens a second"
    assert "only if it keeps to that" in bound
    assert report.render_stand_ins(result(measured(launched(0, joules(120.0))))) == ""
