"""Waiting for a quiet machine, with a clock and a kernel that are played."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edgebench.machine import quiet
from edgebench.machine.quiet import Sample
from tests.machine_tree import plant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conftest import Edgebench, Script

IDLE = Sample(at_s=0, cpus=2, busy_ticks=0, total_ticks=0, waited_ns=0,
              pressure_us={"cpu": 0, "io": 0}, load=0.0)  # fmt: skip


def after(seconds: float, **changes: Any) -> Sample:
    """Two CPUs that did nothing for that long, but for `changes`."""
    return IDLE._replace(at_s=seconds, total_ticks=round(200 * seconds))._replace(**changes)


class Machine:
    """Busy with one of its two CPUs until a moment; sleeping is what makes time pass."""

    def __init__(self, busy_until_s: float) -> None:
        self.busy_until_s, self.now_s, self.said = busy_until_s, 0.0, list[str]()

    def sample(self) -> Sample:
        return after(self.now_s, busy_ticks=round(100 * min(self.now_s, self.busy_until_s)))

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def wait(self, limit_s: float) -> quiet.Waited:
        return quiet.wait(
            limit_s, usable_cpus=2, sample=self.sample, sleep=self.sleep, say=self.said.append
        )


def test_a_quiet_machine_is_looked_at_once() -> None:
    machine = Machine(busy_until_s=0)

    waited = machine.wait(300)

    assert (waited.seconds, waited.busy, machine.said) == (quiet.WINDOW_S, (), [])
    assert waited.note().message == "Waited 5 s for the machine to be quiet: it was quiet."


def test_it_waits_until_others_are_done_and_says_so_once() -> None:
    machine = Machine(busy_until_s=20)

    waited = machine.wait(300)

    assert (waited.seconds, waited.busy) == (25, ())
    assert machine.said == [
        "for at most 300 s for a quiet machine: 1.0 CPUs busy, limit 0.3",
    ]


@pytest.mark.parametrize("limit_s", [1, 5, 7, 60])
def test_it_goes_on_within_the_time_limit_however_busy_the_machine_is(limit_s: float) -> None:
    waited = Machine(busy_until_s=1e9).wait(limit_s)

    assert limit_s - quiet.WINDOW_S < waited.seconds <= limit_s
    assert waited.note().name == "waited_quiet"
    assert "it was still busy: 1.0 CPUs busy, limit 0.3" in waited.note().message


def test_ctrl_c_ends_the_wait() -> None:
    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quiet.wait(9, usable_cpus=2, sample=lambda: IDLE, sleep=interrupted, say=print)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"busy_ticks": 310}, "0.6 CPUs busy"),
        ({"waited_ns": 200_000_000}, "run delay) 4%"),
        ({"pressure_us": {"cpu": 150_000, "io": 0}}, "CPU pressure 3%"),
        ({"pressure_us": {"cpu": 0, "io": 5_000_000}}, "I/O pressure 100%"),
    ],
)
def test_what_is_above_its_limit_is_named(changes: Mapping[str, object], words: str) -> None:
    (found,) = quiet.busy(IDLE, after(5, **changes), usable_cpus=2)
    assert words in found


@pytest.mark.parametrize(
    "changes",
    [
        {"busy_ticks": 140},
        {"waited_ns": 90_000_000},
        {"pressure_us": {"cpu": 90_000, "io": 0}},
        {"load": 9.0},
    ],
    ids=str,
)
def test_what_is_within_its_limit_is_quiet(changes: Mapping[str, object]) -> None:
    assert quiet.busy(IDLE, after(5, **changes), usable_cpus=2) == ()


def test_the_load_average_decides_only_where_nothing_better_is_known() -> None:
    bare = Sample(0, 0, None, None, None, {}, load=0.7)

    assert quiet.busy(bare, bare, usable_cpus=2) == ("load average 0.7, limit 0.6",)
    assert quiet.busy(bare, bare, usable_cpus=4) == ()


def test_a_machine_that_tells_nothing_is_not_called_quiet() -> None:
    blind = quiet.take_sample(Path("/nowhere"), 0.0, None)

    def no_sleep(_seconds: float) -> None:
        pytest.fail("there is nothing to wait for")

    waited = quiet.wait(300, usable_cpus=2, sample=lambda: blind, sleep=no_sleep, say=print)

    assert waited.seconds == 0
    assert waited.note().message.endswith("nothing here says how busy the machine is.")


def test_a_sample_is_what_the_kernel_wrote(tmp_path: Path) -> None:
    delays = "cpu{} 0 0 0 0 0 0 7000 {} 12\ndomain0 3 0 0 0 0 0 0 0 9\n"
    files = {
        "proc/stat": "cpu  10 20 30 900 99 5 15 20 7 7\ncpu0 1\ncpu1 1\nintr 5\n",
        "proc/schedstat": "version 15\n" + delays.format(0, 40) + delays.format(1, 2),
        "proc/pressure/cpu": "some avg10=0.03 avg60=0.24 avg300=1.43 total=57841\n",
    }

    found = quiet.take_sample(plant(tmp_path, files), 3.0, 0.5)

    assert found == Sample(3.0, 2, 100, 1099, 42, {"cpu": 57841}, 0.5)


def test_a_run_records_that_it_waited(edgebench: Edgebench, script: Script, tmp_path: Path) -> None:
    done = edgebench(
        "run",
        "--file",
        script(),
        "--workload",
        "tg4",
        "--threads",
        "1",
        "--launches",
        "1",
        "--output",
        "kept.json",
        "--wait-quiet",
        "0.2s",
    )

    assert done.returncode == 0, done.stderr
    names = [note["name"] for note in json.loads((tmp_path / "kept.json").read_text())["warnings"]]
    assert names.count("waited_quiet") == 1
    assert "waited_quiet: Waited 0 s" in done.stdout


def test_a_limit_that_is_no_duration_is_one_sentence(edgebench: Edgebench) -> None:
    done = edgebench("run", "--dry-run", "--wait-quiet", "soon")
    assert done.returncode == 2
    assert "--wait-quiet 'soon' is not a duration" in done.stderr
