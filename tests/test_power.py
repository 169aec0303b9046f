"""Meters beside a running launch: sampled, recorded, and shown per token."""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edgebench import files
from edgebench.analysis import energy, summary
from edgebench.analysis.checking import problems
from edgebench.measure import campaign
from edgebench.measure.record import Record
from edgebench.measure.runner import Outcome
from edgebench.measure.schedule import Budget
from edgebench.models.prepared import Prepared
from edgebench.power import Domain, Reading
from edgebench.power.idle import idle_energy, window_s
from edgebench.power.phases import Window
from edgebench.power.sampler import Sampler
from edgebench.report import energy as report
from edgebench.report import table
from edgebench.schema.energy import Energy
from edgebench.schema.launch import InstructionCount, Instructions, Launch
from edgebench.schema.result import CellResult, Result
from tests.conftest import golden
from tests.machine_tree import plant
from tests.power_maker import SECOND, Clock
from tests.results_maker import DEVICE, FILE, cell, counters, launch, result, trial, verification

if TYPE_CHECKING:
    from edgebench.measure.job import Job
    from tests.conftest import Edgebench, Script


class Steady:
    """A counter that takes 30 W of this process's real time."""

    method, quality, kind = "counter:steady", "B", "energy"
    update_every_s = 0.001

    def __init__(self, read_every_s: float = 0.02) -> None:
        self.read_every_s, self.threads = read_every_s, set[int]()

    def why_not(self) -> str | None:
        return None

    def domains(self) -> tuple[Domain, ...]:
        return (Domain("package-0", "package"),)

    def read(self) -> tuple[Reading, ...]:
        self.threads.add(threading.get_ident())
        return (Reading(time.monotonic_ns() * 30 / 1000),)


def test_a_thread_reads_the_meter_while_the_parent_waits() -> None:
    meter: Any = Steady()
    with Sampler((meter,)) as sampled:
        begun = time.monotonic_ns()
        time.sleep(0.8)
        window = Window(begun, time.monotonic_ns())

    (found,) = sampled.of({"decode": (window,)})

    assert found.joules == pytest.approx(30 * found.window_s, rel=0.01), found.reason
    assert len(meter.threads) == 2, "the parent's at both ends, the sampler's in between"
    assert found.samples >= 3
    assert threading.active_count() == 1, "nothing goes on after the launch"


def test_it_stops_when_the_launch_ends_in_an_error() -> None:
    meter: Any = Steady()
    with pytest.raises(KeyboardInterrupt), Sampler((meter,)):
        raise KeyboardInterrupt
    assert threading.active_count() == 1


def test_without_meters_nothing_runs_and_nothing_is_told() -> None:
    with Sampler(()) as sampled:
        assert threading.active_count() == 1
    assert sampled.of({"decode": (Window(0, SECOND),)}) == ()


@pytest.mark.parametrize("told", [ZeroDivisionError("oh"), (), (Reading(-3.0),), (Reading(None),)])
def test_a_strangers_meter_that_misbehaves_spoils_nothing_but_its_figure(told: Any) -> None:
    class Bad(Steady):
        def read(self) -> tuple[Reading, ...]:
            if isinstance(told, Exception):
                raise told
            return told  # type: ignore[no-any-return]

    bad: Any = Bad()
    with Sampler((bad,), clock=Clock()) as sampled:
        pass
    (found,) = sampled.of({"decode": (Window(0, SECOND),)})

    assert found.joules is None
    assert found.reason


def test_a_strangers_meter_that_cannot_name_its_domains_is_recorded_as_such() -> None:
    class Worse(Steady):
        def domains(self) -> tuple[Domain, ...]:
            raise OSError("gone")

    worse: Any = Worse()
    with Sampler((worse,), clock=Clock()) as sampled:
        pass
    assert [e.reason for e in sampled.of({"decode": (Window(0, 1),)})] == ["OSError: gone"]


def test_the_idle_machine_is_a_figure_with_its_own_window(tmp_path: Path) -> None:
    meter: Any = Steady()
    root = plant(tmp_path, {"proc/stat": "cpu 100 0 100 1000 0 0 0 0 0 0\n"})

    def busy(seconds: float) -> None:
        time.sleep(seconds)
        (root / "proc/stat").write_text("cpu 600 0 100 1500 0 0 0 0 0 0\n")

    (idle,) = idle_energy((meter,), (), root=root, shortest_s=0.6)
    (disturbed,) = idle_energy((meter,), (), root=root, shortest_s=0.6, sleep=busy)

    assert (idle.phase, idle.windows) == ("idle", 1)
    assert idle.joules == pytest.approx(30 * idle.window_s, rel=0.01), idle.reason
    assert idle.window_s == pytest.approx(0.6, abs=0.4)
    assert disturbed.joules is None
    assert "50% of its CPUs" in (disturbed.reason or "")


def test_without_meters_nobody_waits_for_the_idle_machine(tmp_path: Path) -> None:
    def wait(_seconds: float) -> None:
        pytest.fail("there is nothing to wait for")

    assert idle_energy((), (), root=tmp_path, sleep=wait) == ()


def test_the_idle_window_is_as_long_as_the_slowest_meter_needs() -> None:
    counter: Any = Steady()
    pmic: Any = type("Pmic", (), {"kind": "power", "update_every_s": 1.0, "read_every_s": 0.1})
    assert window_s((counter,)) == 10.0
    assert window_s((counter, pmic)) == pytest.approx(51.0)


def told(joules: float | None, phase: str = "decode", **fields: Any) -> Energy:
    """One meter's figure of three trials of 4 tokens in 6 seconds."""
    plain: dict[str, Any] = {
        "phase": phase, "method": "counter:rapl", "meter": "package-0", "scope": "package",
        "quality": "B", "joules": joules, "low_joules": joules, "high_joules": joules,
        "window_s": 6.0, "windows": 3, "samples": 60, "read_every_s": 0.1,
        "update_every_s": 0.001, "first_uj": 0, "last_uj": 1, "wraps": 0,
        "reason": None if joules else "It is gone.",
    }  # fmt: skip
    return Energy(**(plain | fields))


def launched(number: int, *energy: Energy) -> Launch:
    """Three timed trials of 4 steps of half a second, after a warm-up."""
    steps = (SECOND // 2,) * 4
    return launch(
        number, tuple(trial(i, prefill_ns=None, step_ns=steps) for i in range(4)), energy=energy
    )


def measured(*launches: Launch, status: str = "passed") -> CellResult:
    return CellResult(cell=cell(), verification=verification(status), launches=launches)


def test_joules_become_joules_per_token_tokens_per_joule_and_watts() -> None:
    entry = measured(launched(0, told(120.0)), launched(1, told(120.0)))

    (found,) = energy.figures(entry, (told(30.0, "idle", window_s=10.0, windows=1),))

    assert found.joules_per_token is not None
    assert found.joules_per_token.estimate == pytest.approx(10.0), "120 J, 3 trials of 4 tokens"
    assert found.tokens_per_joule is not None
    assert found.tokens_per_joule.estimate == pytest.approx(0.1)
    assert found.watts is not None
    assert found.watts.estimate == pytest.approx(20.0)
    assert found.idle_watts == pytest.approx(3.0)
    assert found.above_idle_joules_per_token is not None
    assert found.above_idle_joules_per_token.estimate == pytest.approx(8.5), "18 J are idle's"
    assert (found.window_s, found.samples, found.reason) == (12.0, 120, None)


def test_bounds_of_tokens_per_joule_are_the_others_turned_over() -> None:
    entry = measured(launched(0, told(110.0)), launched(1, told(130.0)), launched(2, told(120.0)))
    (found,) = energy.figures(entry)
    assert found.joules_per_token is not None
    assert found.tokens_per_joule is not None
    assert found.joules_per_token.high is not None
    assert found.tokens_per_joule.low == pytest.approx(1 / found.joules_per_token.high)
    assert found.idle_watts is None
    assert found.above_idle_joules_per_token is None


def test_sockets_add_up_and_overlapping_domains_never_do() -> None:
    second, cores, psys = (
        told(60.0, meter="package-1"),
        told(80.0, meter="package-0/core", scope="cores"),
        told(150.0, meter="psys", scope="platform"),
    )
    rails = [told(9.0, meter=name, scope="rail", method="sampled:hwmon", quality="C",
                  first_uj=None, last_uj=None, wraps=None) for name in ("a", "b")]  # fmt: skip

    found = energy.figures(measured(launched(0, told(120.0), second, cores, psys, *rails)))

    estimates = {
        (f.scope, f.meters): f.joules_per_token.estimate for f in found if f.joules_per_token
    }
    assert estimates == {
        ("package", ("package-0", "package-1")): pytest.approx(15.0),
        ("cores", ("package-0/core",)): pytest.approx(80 / 12),
        ("platform", ("psys",)): pytest.approx(12.5),
        ("rail", ("a",)): pytest.approx(0.75),
        ("rail", ("b",)): pytest.approx(0.75),
    }


def test_half_of_the_sockets_is_no_figure_for_the_machine() -> None:
    entry = measured(launched(0, told(120.0), told(None, meter="package-1")))
    (found,) = energy.figures(entry)
    assert found.joules_per_token is None
    assert found.reason == "It is gone."


def test_wrong_output_has_no_energy_either() -> None:
    assert energy.figures(measured(launched(0, told(120.0)), status="failed")) == ()
    assert energy.proxies(measured(launched(0), status="failed")) == ()


def test_tiers_are_never_ranked_against_each_other() -> None:
    counted, wall = (
        energy.figures(measured(launched(0, each)))[0]
        for each in (told(120.0), told(150.0, method="wall_meter", scope="system", quality="A"))
    )
    assert energy.why_not_comparable(counted, counted) is None
    assert "quality B" in (energy.why_not_comparable(counted, wall) or "")


def test_proxies_are_called_proxies() -> None:
    count = InstructionCount(total=800, integer=800, branch=0, load_store=0, fp_simd=0, sve=0,
                             sme=0, dot_product=0, matrix_product=0)  # fmt: skip
    counted = Instructions(prefill=None, steps=(count,) * 4)
    trials = tuple(
        trial(i, prefill_ns=None, step_ns=(SECOND,) * 4, instructions=counted) for i in range(2)
    )

    found = energy.proxies(measured(launch(0, trials)))

    assert [(each.name, each.unit) for each in found] == [
        ("proxy:cpu_seconds", "CPU s/token"),
        ("proxy:instructions", "instructions/token"),
    ]
    assert found[0].per_token.estimate == pytest.approx(0.01)
    assert found[1].per_token.estimate == 800


def test_instructions_that_the_cpu_counted_stand_for_the_phase_that_ran() -> None:
    def counted(workload: str, tokens: int) -> list[tuple[str, float]]:
        trials = tuple(
            trial(i, prefill_ns=None if workload == "tg4" else SECOND, step_ns=(SECOND,) * tokens,
                  counters=counters(instructions_retired=4_000)) for i in range(2)
        )  # fmt: skip
        entry = measured(launch(0, trials)).model_copy(update={"cell": cell(workload)})
        return [
            (p.phase, round(p.per_token.estimate, 6))
            for p in energy.proxies(entry)
            if "instr" in p.name
        ]

    assert counted("tg4", 4) == [("all", 1000.0)]
    assert counted("pp4+tg4", 4) == [], "prefill and decode would be mixed"


def test_a_power_envelope_gives_an_interval_and_never_a_point() -> None:
    entry = measured(launched(0), launched(1))

    (found,) = energy.tdp_bounds(entry, (2.0, 15.0), "the vendor's data sheet")

    assert found.method == "bound:tdp"
    bounds = [found.low_joules_per_token, found.high_joules_per_token]
    assert bounds == pytest.approx([1.0, 7.5])
    for empty in ((15.0, 15.0), (15.0, 2.0)):
        with pytest.raises(ValueError, match="no envelope"):
            energy.tdp_bounds(entry, empty, "a guess")


def test_energy_as_people_see_it() -> None:
    entry = measured(
        launched(0, told(120.0), told(None, method="sampled:hwmon", meter="VDD_IN",
                                      scope="module", quality="C", first_uj=None, last_uj=None,
                                      wraps=None)),
        launched(1, told(126.0)),
    )  # fmt: skip
    idle = (told(30.0, "idle", window_s=10.0, windows=1),)
    golden("energy.txt", report.render(result(entry, idle_energy=idle)))


def test_where_every_meter_failed_the_proxy_stands_by_its_name() -> None:
    page = table.render(result(measured(launched(0, told(None)))))
    assert "It is gone." in page
    assert "proxy:cpu_seconds" in page
    assert "no energy" in page
    assert "energy of" not in table.render(result(measured(launched(0))))


def test_a_record_with_energy_survives_disk_and_check(tmp_path: Path) -> None:
    made = result(measured(launched(0, told(120.0))), idle_energy=(told(3.0, "idle"),))
    path = tmp_path / "record.json"
    files.write_atomic(path, files.to_json(made))

    assert files.read_json(path, Result) == made
    assert list(problems(made)) == []


class Silent:
    """An observer who does not listen."""

    def stage(self, text: str) -> None: ...
    def launching(self, *_: object) -> None: ...
    def launched(self, *_: object) -> None: ...


class Played:
    """A teacher whose reference nobody reads, because the worker is played as well."""

    def tokens(self, _file: Prepared) -> tuple[int, ...]:
        return (1,) * 8

    def verification_tokens(self, _file: Prepared) -> tuple[int, ...]:
        return (1,) * 8

    def reference_logits(self, *_: object) -> Outcome:
        return Outcome((), None)

    def reference_path(self, *_: object) -> Path:
        return Path("reference.npy")

    def scenario_text(self, _workload: object) -> str:
        return ""

    def tokenizer(self, *_: object) -> None:
        return None


class Clocked(Steady):
    """30 W of a made-up clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(read_every_s=0.1)
        self.clock = clock

    def read(self) -> tuple[Reading, ...]:
        return (Reading(self.clock.now_ns * 30 / 1000),)


def test_a_campaign_reads_the_meters_around_each_launch_and_of_the_idle_machine() -> None:
    """The worker is played, and moves the clock that the meter follows."""
    clock, kept, order = Clock(), Record(result(measured())), list[str]()
    meter: Any = Clocked(clock)
    sampler = Sampler((meter,), clock=clock)

    def run(job: Job) -> Outcome:
        order.append(job.kind)
        if job.kind != "measure":
            return Outcome((), None)
        for _ in range(140):
            clock.now_ns += SECOND // 10
            sampler.look()
        timed = trial(1, prefill_ns=None, step_ns=(3 * SECOND,) * 4, started_ns=SECOND)
        return Outcome(({"event": "trial", **timed.model_dump(mode="json")},), None)

    def idle() -> tuple[Energy, ...]:
        order.append("idle")
        return (told(3.0, "idle"),)

    teacher: Any = Played()
    looped: Any = run
    world = campaign.World(
        run=run, loop=looped, target=str, monotonic_s=lambda: 0.0,
        utc=lambda: "2026-01-01T00:00:00Z", load_average=lambda: None,
        turn=nullcontext, save=lambda _result: None,
        half_width=lambda _cell: None, path_of=lambda _cell: Path("tiny.gguf"),
        opened=lambda _cell: (), observer=Silent(), clock_of=lambda _name: "time:monotonic_ns",
        sampler=lambda: sampler, idle=idle,
    )  # fmt: skip
    budget = Budget(min_launches=1, max_launches=1)
    files_of_it = {FILE.sha256: Prepared(Path("tiny.gguf"), "gguf", FILE, has_tokenizer=True)}
    campaign.Campaign(kept, files_of_it, teacher=teacher, budget=budget, world=world).run()

    assert kept.result.idle_energy == (told(3.0, "idle"),)
    (launched,) = kept.result.cells[0].launches
    assert [(each.phase, each.meter) for each in launched.energy] == [("decode", "package-0")]
    assert launched.energy[0].joules == pytest.approx(12 * 30.0)
    assert order.index("idle") < order.index("measure")


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--meters", "hwmom"), 4, "No meter named 'hwmom'"),
        (("--wall-meter", "nothing.csv"), 2, "Give --wall-meter a CSV"),
        (("--wall-clock-offset", "nan"), 2, "Name its log by --wall-meter"),
        (("--meters", "none"), 0, ""),
    ],
)
def test_meters_on_the_command_line(
    edgebench: Edgebench, script: Script, options: tuple[str, ...], code: int, words: str
) -> None:
    done = edgebench("run", "--file", script(), "--threads", "1", "--dry-run", *options)

    assert done.returncode == code, done.stderr
    assert words in done.stderr


def test_without_a_meter_details_name_proxies_and_the_envelope_as_what_they_are() -> None:
    board = DEVICE.model_copy(update={"profile": "nvidia/jetson-orin-nano-8gb"})

    shown = report.render_stand_ins(result(measured(launched(0), launched(1)), device=board))

    assert "proxy:cpu_seconds" in shown
    assert "CPU s/token, no energy" in shown
    bound = next(line for line in shown.splitlines() if "bound:tdp" in line)
    assert "3.5 - 12.5" in bound, "7 to 25 W, two tokens a second"
    assert "only if it keeps to that" in bound
    assert report.render_stand_ins(result(measured(launched(0, told(120.0))))) == ""


def test_the_json_summary_holds_every_figure_with_its_method_and_tier() -> None:
    idle = (told(30.0, "idle", window_s=10.0, windows=1),)
    kept = result(measured(launched(0, told(120.0)), launched(1, told(126.0))), idle_energy=idle)

    (found,) = next(iter(summary.of(kept).values())).energy

    assert (found.method, found.scope, found.quality) == ("counter:rapl", "package", "B")
    assert found.joules_per_token is not None
    assert found.tokens_per_joule is not None
    assert found.joules_per_token.estimate * found.tokens_per_joule.estimate == pytest.approx(1)
    assert found.watts is not None
    assert found.idle_watts == 3.0
    whole = kept.model_copy(update={"summary": summary.of(kept)})
    assert next(problems(whole), None) is None
