"""Cells looped for minutes: what is recorded, kept on Ctrl-C, and said of first against last."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from edgebench.analysis import checking, metrics
from edgebench.analysis.correlated import change
from edgebench.analysis.notes import notes
from edgebench.analysis.sustained import throttled_share
from edgebench.machine.conditions import Look, Watch, cooling_state, look
from edgebench.measure.sustain import period_s
from edgebench.power import Domain, Series
from edgebench.power.course import course
from edgebench.power.phases import loop_windows
from edgebench.report import sustained as sustained_table
from edgebench.schema.result import CellResult
from edgebench.schema.sustained import Conditions, PowerCourse, Sustained
from tests.conftest import golden, record_in
from tests.machine_tree import plant
from tests.results_maker import cell, launch, result, trial, verification

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.conftest import Edgebench, Script

SECOND = 1_000_000_000
MINUTE_S = 60


def test_a_looped_run_says_how_the_last_minute_compares_with_the_first(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    path = script(
        prefill_ns_per_token=1_000_000,
        step_ns=[5_000_000, 5_500_000],
        slows={"after_ns": 250 * SECOND, "by": 1.25},
    )

    done = edgebench("run", "--file", path, "--sustain", "10m", "--threads", "1")

    assert done.returncode == 0, done.stderr
    assert "looping fake scripted chat.v1" in done.stderr, "progress"
    kept = record_in(tmp_path)
    (launched,) = kept.cells[0].launches
    assert kept.cells[0].cell.workload.name == "chat.v1", "the default of --sustain"
    assert kept.schedule.sustain_s == 600
    assert [each.warmup for each in launched.trials] == [True]
    looped = launched.sustained
    assert looped is not None
    assert 600 <= (looped.started_ns[-1] + looped.wall_ns[-1] - looped.started_ns[0]) / 1e9 < 602
    summary = metrics.summarize(kept.cells[0]).sustained
    assert summary is not None
    for speed in (summary.prefill, summary.decode):
        assert speed is not None
        assert speed.last_over_first == pytest.approx(0.8, rel=0.01)
    assert "slowed_down: fake scripted 1t chat.v1: decode ended at 80%" in done.stdout
    assert edgebench("check", "results").returncode == 0


def test_wrong_answers_are_not_looped(edgebench: Edgebench, script: Script, tmp_path: Path) -> None:
    done = edgebench("run", "--file", script(wrong=True), "--sustain", "1m", "--threads", "1")

    assert "FAILED" in done.stdout
    assert not record_in(tmp_path).cells[0].launches


def test_a_worker_that_dies_leaves_its_loops(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    path = script(step_ns=[1_000_000], fail={"at": "decode", "how": "sigkill", "after_calls": 2000})

    edgebench("run", "--file", path, "--sustain", "10m", "--threads", "1", "--workload", "tg64")

    (launched,) = record_in(tmp_path).cells[0].launches
    assert launched.failure is not None
    assert launched.failure.kind == "killed"
    assert launched.sustained is not None
    assert len(launched.sustained.started_ns) == 30, "2000 / 64 = 31, one of them the warm-up"


def test_ctrl_c_keeps_the_loops_so_far(
    script: Script, tmp_path: Path, environ: dict[str, str]
) -> None:
    path = script(step_ns=[1_000_000], really_s=0.005)
    with subprocess.Popen(
        [sys.executable, "-m", "edgebench", "run", "--file", str(path), "--threads", "1",
         "--sustain", "10m", "--workload", "tg16"],
        cwd=tmp_path, env=environ, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        next(line for line in process.stderr if "looping" in line)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()

    assert process.returncode == 130, said
    assert "Interrupted after 1 launches" in said
    kept = record_in(tmp_path)
    assert kept.schedule.stopped_because == "interrupted"
    (launched,) = kept.cells[0].launches
    assert launched.failure is None
    assert launched.sustained is not None
    assert launched.sustained.started_ns
    assert next(checking.problems(kept), None) is None


@pytest.mark.parametrize("asked", ["0", "tomorrow", "-5m"])
def test_a_time_that_is_none_is_refused(edgebench: Edgebench, script: Script, asked: str) -> None:
    done = edgebench("run", "--file", script(), f"--sustain={asked}")

    assert done.returncode == 2
    assert "--sustain" in done.stderr
    assert "Traceback" not in done.stderr


def autoregressive(number: int, rho: float, draw: random.Random) -> list[float]:
    """Neighbours correlated by `rho`, with one variance throughout."""
    values = [draw.gauss(0, 1) / (1 - rho**2) ** 0.5]
    while len(values) < number:
        values.append(rho * values[-1] + draw.gauss(0, 1))
    return values


@pytest.mark.parametrize(("rho", "least"), [(0.0, 0.93), (0.3, 0.93), (0.6, 0.92)])
def test_the_interval_covers_no_change_although_neighbours_resemble_each_other(
    rho: float, least: float
) -> None:
    draw = random.Random(7)
    covered = trials = 0
    for _ in range(600):
        values = autoregressive(300, rho, draw)
        found = change([values[i : i + 30] for i in range(0, 300, 30)])
        if found.low is not None and found.high is not None:
            trials += 1
            covered += found.low <= 0 <= found.high
    assert trials > 550
    assert covered / trials > least


def test_taking_loops_for_independent_would_be_wrong_here() -> None:
    """What the correction is for: the plain t-interval covers far too seldom."""
    draw = random.Random(7)
    narrower = 0
    for _ in range(50):
        values = autoregressive(300, 0.6, draw)
        windows = [values[i : i + 30] for i in range(0, 300, 30)]
        found = change(windows)
        shuffled = change([draw.sample(window, 30) for window in windows])
        if None not in (found.low, found.high, shuffled.low, shuffled.high):
            narrower += width(shuffled) < 0.75 * width(found)
    assert narrower > 40


def width(found: Any) -> float:
    return float(found.high - found.low)


def test_the_moment_of_throttling_does_not_hide_the_fall() -> None:
    draw = random.Random(3)
    values = [draw.gauss(0, 0.01) - (0.2 if place > 165 else 0) for place in range(300)]

    found = change([values[i : i + 30] for i in range(0, 300, 30)])

    assert found.high is not None
    assert found.high < -0.15


def test_few_loops_have_a_ratio_and_no_interval() -> None:
    found = change([[0.0, 0.1], [0.2, 0.3]])

    assert found.estimate == pytest.approx(0.2)
    assert (found.low, found.high, found.correlation) == (None, None, None)


def looped(decode_ns: Sequence[int], **fields: Any) -> Sustained:
    """Loops of a prefill of 0.1 s and a decode each, back to back."""
    walls = [SECOND // 10 + each for each in decode_ns]
    plain: dict[str, Any] = {
        "asked_s": sum(walls) / SECOND,
        "started_ns": tuple(sum(walls[:place]) for place in range(len(walls))),
        "wall_ns": tuple(walls),
        "tokenize_ns": None,
        "first_sample_ns": None,
        "prefill_ns": (SECOND // 10,) * len(walls),
        "decode_ns": tuple(decode_ns),
        "cpu_s": (1.0,) * len(walls),
        "run_delay_ns": None,
        "major_faults": (0,) * len(walls),
        "other_outputs": 0,
        "conditions": None,
        "power": (),
    }
    return Sustained(**(plain | fields))


def of(*found: Sustained) -> CellResult:
    warmup = trial(0, prefill_ns=SECOND // 10, step_ns=(SECOND // 4,) * 4)
    return CellResult(
        cell=cell("pp8+tg4"),
        verification=verification(),
        launches=tuple(launch(i, (warmup,), sustained=each) for i, each in enumerate(found)),
    )


def heated() -> Sustained:
    """Ten minutes: after five of them a board that reached 85 °C slows down."""
    draw = random.Random(1)
    times = [round(0.9 * SECOND * draw.gauss(1, 0.01)) for _ in range(300)]
    times += [round(1.4 * SECOND * draw.gauss(1, 0.02)) for _ in range(200)]
    looks = range(0, 600, 2)
    return looped(
        times,
        conditions=Conditions(
            times_ns=tuple(at * SECOND for at in looks),
            temperature_c=tuple(min(85.0, 45 + at / 7) for at in looks),
            frequency_khz=tuple(2_400_000 if at < 300 else 1_500_000 for at in looks),
            throttle_count=None,
            cooling_state=tuple(0 if at < 300 else 2 for at in looks),
            firmware_throttled=None,
        ),
        power=(
            PowerCourse(
                method="sampled:hwmon", meter="VDD_IN", scope="module", quality="C",
                times_ns=tuple(at * SECOND for at in looks),
                watts=tuple(11.0 if at < 300 else 6.5 for at in looks), reason=None,
            ),
        ),
    )  # fmt: skip


def test_the_table_of_a_board_that_gets_hot() -> None:
    golden("sustained.txt", sustained_table.render(result(of(heated()))))


def test_a_fall_is_a_warning_and_answers_that_change_are_one() -> None:
    changed = heated().model_copy(update={"other_outputs": 2})

    named = {each.name: each.message for each in notes(result(of(changed)))}

    assert "decode ended at" in named["slowed_down"]
    assert "2 loops gave other greedy tokens" in named["outputs_differ"]


def test_several_launches_give_an_interval_over_launches() -> None:
    entry = of(heated(), heated(), heated())

    found = metrics.summarize(entry).sustained

    assert found is not None
    assert found.decode is not None
    assert found.decode.unit == "launches"
    assert found.decode.low == found.decode.high, "three equal launches"


def test_a_cell_that_was_looped_shows_the_median_of_its_loops_as_speed() -> None:
    found = metrics.summarize(of(looped([SECOND] * 3 + [2 * SECOND]))).decode_tok_s

    assert found is not None
    assert found.estimate == pytest.approx(4.0)
    assert found.launches == 1


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"wall_ns": (1,)}, "wall_ns: one place per loop"),
        ({"decode_ns": None}, "decode_ns: does not fit the workload"),
        ({"started_ns": (0, 5)}, "started_ns: loops overlap"),
    ],
)
def test_check_sees_arrays_that_cannot_be(fields: dict[str, Any], problem: str) -> None:
    wrong = looped([SECOND, SECOND]).model_copy(update=fields)

    found = list(checking.contradictions(result(of(looped([SECOND]))))) + list(
        checking.contradictions(
            result(of(looped([SECOND]))).model_copy(update={"cells": (of(wrong),)})
        )
    )

    assert any(problem in each for each in found), found


def test_sensors_are_looked_at_while_the_worker_loops(tmp_path: Path) -> None:
    plant(tmp_path, {
        "sys/class/thermal/thermal_zone0/temp": "61000",
        "sys/class/thermal/cooling_device0/type": "cpufreq-cpu0",
        "sys/class/thermal/cooling_device0/cur_state": "3",
        "sys/class/thermal/cooling_device1/type": "pwm-fan",
        "sys/class/thermal/cooling_device1/cur_state": "9",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1800000",
        "sys/devices/system/cpu/cpu4/cpufreq/scaling_cur_freq": "2400000",
        "sys/devices/system/cpu/cpu4/thermal_throttle/core_throttle_count": "5",
    })  # fmt: skip

    assert look(tmp_path, cpus=(0,)) == Look(61.0, 1_800_000, 5, 3, None)
    assert look(tmp_path).frequency_khz == 2_400_000
    assert cooling_state(tmp_path / "nothing") is None
    with Watch(0.01, root=tmp_path) as seen:
        time.sleep(0.1)
    told = seen.conditions()
    assert len(told.times_ns) > 3
    assert list(told.times_ns) == sorted(told.times_ns)
    assert told.firmware_throttled is None
    assert throttled_share(told) == 1.0


def test_a_machine_that_tells_nothing_gives_nulls(tmp_path: Path) -> None:
    with Watch(10, root=tmp_path) as seen:
        pass

    told = seen.conditions()
    assert (told.temperature_c, told.frequency_khz, told.throttle_count) == (None, None, None)
    assert throttled_share(told) is None


def series(kind: Any, values: Callable[[int], float], **fields: Any) -> Series:
    times = tuple(range(0, 60 * SECOND, SECOND // 10))
    plain: dict[str, Any] = {
        "domain": Domain("package-0", "package", range_uj=2**20 * 1000), "method": "counter:rapl",
        "quality": "B", "kind": kind, "update_every_s": 0.001, "read_every_s": 0.1,
        "times_ns": times, "values": tuple(values(each) for each in times),
    }  # fmt: skip
    return Series(**(plain | fields))


def test_power_over_time_is_that_of_the_counter_although_it_wrapped() -> None:
    found = course(series("energy", lambda at: at / 1e3 * 50 % (2**20 * 1000)), period_s=1.0)

    assert found.reason is None
    assert len(found.watts) == 59
    assert found.watts == pytest.approx([50.0] * 59)


def test_power_over_time_of_a_sampled_meter_is_its_mean() -> None:
    told = series("power", lambda at: 5e6 + at % SECOND / 1e3, method="sampled:hwmon", quality="C")

    found = course(told, period_s=1.0)

    assert found.watts == pytest.approx([5.45] * 59)


@pytest.mark.parametrize(
    "wrong",
    [
        series("energy", lambda _at: 0.0),
        series("energy", lambda at: at / 1e3 * 50, broken="It is gone."),
        series("power", lambda _at: -1.0),
    ],
)
def test_power_over_time_is_null_with_a_reason_where_the_meter_is_not_sound(wrong: Series) -> None:
    found = course(wrong, period_s=1.0)

    assert not found.watts
    assert found.reason


def test_energy_of_a_looped_launch_has_a_window_per_loop_and_phase() -> None:
    found = loop_windows(looped([SECOND, 2 * SECOND]))

    assert [(w.end_ns - w.begin_ns) / SECOND for w in found["prefill"]] == [0.1, 0.1]
    assert [(w.end_ns - w.begin_ns) / SECOND for w in found["decode"]] == [1, 2]


def test_short_runs_look_once_a_second_and_long_ones_keep_few_places() -> None:
    assert period_s(60) == 1.0
    assert 7200 / period_s(7200) == pytest.approx(600)


def test_the_record_of_a_looped_run_is_json_that_other_tools_read(
    edgebench: Edgebench, script: Script
) -> None:
    done = edgebench("run", "--file", script(), "--sustain", "1m", "--threads", "1", "--json")

    (summary,) = json.loads(done.stdout)["summary"].values()
    assert summary["sustained"]["decode"]["last_over_first"] == pytest.approx(1.0)


def test_looks_that_tell_nothing_do_not_count_as_not_throttled() -> None:
    told = Conditions(
        times_ns=(1, 2, 3, 4),
        temperature_c=None,
        frequency_khz=None,
        throttle_count=None,
        cooling_state=(None, 2, 0, None),
        firmware_throttled=None,
    )

    assert throttled_share(told) == 0.5
    unknown = told.model_copy(update={"cooling_state": (None,) * 4})
    assert throttled_share(unknown) is None
