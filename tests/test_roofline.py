"""Measuring ceilings: the real probes on little memory, the rounds with a scripted world."""

from __future__ import annotations

import json
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from edgebench import files
from edgebench.backends import LoadOptions
from edgebench.cli import ceilings, setup
from edgebench.cli.roofline import command
from edgebench.errors import BadInput, NotUsableHere
from edgebench.machine import arithmetic, bandwidth
from edgebench.machine.together import fastest_ns
from edgebench.measure import roofline
from edgebench.measure.job import Job
from edgebench.measure.plan import Request
from edgebench.measure.runner import Outcome, run_job
from edgebench.schema.ceilings import Ceilings
from edgebench.schema.cell import Options
from edgebench.schema.device import Cache
from edgebench.schema.launch import Failure
from tests.conftest import record_in
from tests.results_maker import DEVICE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edgebench.schema.device import Device
    from tests.conftest import Edgebench, Script

MIB = 1 << 20
MISSING = Failure(stage="trial", kind="engine_error", message="onnxruntime is not installed.")


class Clock:
    """Seconds that pass by one with every launch."""

    def __init__(self) -> None:
        self.launches = 0

    def __call__(self) -> float:
        return float(self.launches)


def played(clock: Clock, failing: str = "") -> Callable[[Job], Outcome]:
    """Each launch is a nanosecond slower than the one before it."""

    def run(job: Job) -> Outcome:
        clock.launches += 1
        kind = next(name for name, target in roofline.KINDS.items() if target == job.backend)
        if failing in (kind, "all"):
            return Outcome((), MISSING)
        amount = "bytes_read" if kind == "read" else "operations"
        rate = {"method": "m", amount: 100, "fastest_ns": 1000 + clock.launches}
        huge = {"huge_page_bytes": 4096 * clock.launches} if kind == "read" else {}
        return Outcome(({"event": "ceiling", "rates": [rate], **huge},), None)

    return run


def measured(failing: str = "", max_time_s: float = 1e9, threads: tuple[int, ...] = (1,)) -> Any:
    clock = Clock()
    world = roofline.World(
        run=played(clock, failing),
        monotonic_s=clock,
        utc=lambda: "2026-01-01T00:00:00Z",
        load_average=lambda: 0.5,
        available_bytes=lambda: 8 << 30,
        turn=nullcontext,
        say=lambda _: None,
    )
    return roofline.measure(DEVICE, threads, max_time_s, world)


def test_every_launch_leaves_its_fastest_trial() -> None:
    found = measured(threads=(1, 2))

    assert [rate.threads for rate in found.read] == [1, 2]
    assert [len(rate.fastest_ns) for rate in (*found.read, *found.f32, *found.int8)] == [8] * 6
    assert found.read[0].fastest_ns[:2] == (1001, 1007), "six launches to a round"
    assert found.huge_page_bytes == 4096, "the least"
    assert (found.stopped_because, found.not_measured) == ("rounds", {})


def test_time_ends_it_but_never_the_first_round() -> None:
    found = measured(max_time_s=1, threads=(1, 2))

    assert [len(rate.fastest_ns) for rate in (*found.read, *found.f32, *found.int8)] == [1] * 6
    assert found.stopped_because == "max_time"


def test_what_cannot_be_measured_is_left_out_with_the_reason() -> None:
    found = measured(failing="int8")

    assert found.int8 == ()
    assert found.not_measured == {"int8, 1 thread(s)": "onnxruntime is not installed."}
    with pytest.raises(NotUsableHere, match="onnxruntime is not installed"):
        measured(failing="all")


def test_thread_counts_double_on_large_machines() -> None:
    assert roofline.thread_counts(1) == (1,)
    assert roofline.thread_counts(4) == (1, 2, 3, 4)
    assert roofline.thread_counts(12) == (1, 2, 4, 8, 12)
    assert roofline.thread_counts(64) == (1, 2, 4, 8, 16, 32, 64)


def test_the_buffer_outgrows_the_caches_and_fits_the_memory() -> None:
    assert bandwidth.buffer_bytes(None, 8 << 30) == 256 * MIB
    assert bandwidth.buffer_bytes(384 * MIB, 64 << 30) == 4 * 384 * MIB
    assert bandwidth.buffer_bytes(MIB, 400 * MIB) == 100 * MIB
    assert bandwidth.buffer_bytes(MIB, 0) == 2 * MIB


def test_huge_pages_and_blas_kernels_that_nobody_names_are_unknown(tmp_path: Path) -> None:
    assert bandwidth.huge_page_bytes(tmp_path) is None
    assert arithmetic.kernel(tmp_path) is None
    process = tmp_path / "proc/self"
    process.mkdir(parents=True)
    (process / "smaps_rollup").write_text("Rss: 9 kB\nAnonHugePages:    2048 kB\n")
    (process / "maps").write_text("7f00-7f01 r-xp 00000000 08:01 7 /usr/lib/libblis.so.4\n")
    assert bandwidth.huge_page_bytes(tmp_path) == 2 * MIB
    assert arithmetic.kernel(tmp_path) is None


def test_last_level_caches_are_counted_together() -> None:
    caches = (
        Cache(level=2, kind="unified", size_bytes=MIB, instances=8),
        Cache(level=3, kind="unified", size_bytes=32 * MIB, instances=2),
    )
    assert roofline.last_level_cache_bytes(DEVICE.model_copy(update={"caches": caches})) == 64 * MIB
    assert roofline.last_level_cache_bytes(DEVICE) is None


def test_works_run_at_once_and_the_fastest_trial_counts() -> None:
    ticks = iter([0, 50, 100, 130, 200, 260])
    assert fastest_ns([lambda: None], trials=3, clock=lambda: next(ticks)) == 30

    at_once_ns = fastest_ns([lambda: time.sleep(0.05)] * 3, trials=3, clock=time.monotonic_ns)
    assert 50e6 <= at_once_ns < 150e6


def test_a_slow_machine_is_asked_for_fewer_trials() -> None:
    ticks = iter(range(0, 10**10, 10**9))
    assert fastest_ns([lambda: None], trials=50, clock=lambda: next(ticks)) == 10**9
    assert next(ticks) == 6 * 10**9, "three trials, two readings each"


@pytest.mark.parametrize("kind", sorted(roofline.KINDS))
def test_probes_measure_in_a_worker(kind: str) -> None:
    """The answers are checked inside: a probe that did not do its work fails."""
    options = LoadOptions(isa="", threads=2, context_tokens=0)
    job = Job(
        "ceiling", roofline.KINDS[kind], options=options, trials=3, buffer_bytes=8 * MIB + 12345
    )

    outcome = run_job(job, silence_s=60)

    assert outcome.failure is None, outcome.failure
    event = outcome.find("ceiling")
    assert event is not None
    amounts = {rate.get("bytes_read") or rate["operations"] for rate in event["rates"]}
    expected = {"read": 8 * MIB, "f32": 2 * 2 * 512**3, "int8": 2 * 256 * 2048 * 2048}
    assert amounts == {expected[kind]}
    assert all(rate["fastest_ns"] > 0 for rate in event["rates"])
    assert len(event["rates"]) == (3 if kind == "read" else 1)


def test_a_device_carries_what_was_kept_for_it(tmp_path: Path) -> None:
    found = measured()

    assert roofline.with_ceilings(DEVICE, tmp_path) == DEVICE
    path = roofline.keep(found, tmp_path)
    assert roofline.with_ceilings(DEVICE, tmp_path).ceilings == found
    other = DEVICE.model_copy(update={"id": "other"})
    assert roofline.with_ceilings(other, tmp_path).ceilings is None

    path.write_text("{}", encoding="utf-8")
    with pytest.raises(BadInput, match="Measure again with edgebench roofline"):
        roofline.with_ceilings(DEVICE, tmp_path)


def test_ceilings_at_other_thread_counts_stay_beside_new_ones() -> None:
    one, two = measured(threads=(1,)), measured(threads=(2,), failing="int8")

    assert roofline.beside(None, one) == one
    both = roofline.beside(one, two)
    assert [rate.threads for rate in (*both.read, *both.f32, *both.int8)] == [1, 2, 1, 2, 1]
    assert both.not_measured == {"int8, 2 thread(s)": "onnxruntime is not installed."}
    assert roofline.beside(both, one).read == (both.read[1], one.read[0]), "a new one replaces it"
    assert roofline.unknown_counts(None, (2, 1)) == (1, 2)
    assert roofline.unknown_counts(both, (1, 2, 4)) == (4,)


@pytest.mark.parametrize(("load", "busy"), [(17.8, True), (0.7, True), (0.5, False), (None, False)])
def test_ceilings_that_were_taken_beside_others_are_known(load: float | None, busy: bool) -> None:
    found = measured(threads=(1,)).model_copy(update={"load_average": load})
    assert roofline.taken_while_busy(found, usable_cpus=2) is busy
    assert not roofline.taken_while_busy(None, usable_cpus=2)


@pytest.mark.parametrize(("load", "times_asked"), [(17.8, 2), (0.1, 1)])
def test_a_claim_measures_busy_ceilings_again(
    load: float, times_asked: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EDGEBENCH_CACHE", str(tmp_path))
    asked: list[tuple[int, ...]] = []

    def keep(device: Device, threads: tuple[int, ...]) -> tuple[Device, tuple[()]]:
        unknown = roofline.unknown_counts(device.ceilings, threads)
        if unknown:
            asked.append(unknown)
            found = measured(threads=unknown)
            at_load = {"device": device.id, "load_average": load}
            roofline.keep(found.model_copy(update=at_load), tmp_path)
        return roofline.with_ceilings(device, tmp_path), ()

    monkeypatch.setattr(ceilings, "for_a_run", keep)
    for _ in range(2):
        assert setup.device_of(measuring_ceilings=True).ceilings is not None
    assert len(asked) == times_asked
    assert setup.device_of(measuring_ceilings=False).ceilings is not None, "as it was kept"


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ({}, (1, 4)),
        ({"backends": ("fake",)}, ()),
        ({"backends": ("fake", "llama.cpp")}, (1, 4)),
        ({"devices": ("cuda",)}, ()),
        ({"devices": ("cpu", "cuda")}, (1, 4)),
    ],
)
def test_a_run_needs_the_ceilings_of_its_thread_counts(
    fields: dict[str, Any], counts: tuple[int, ...]
) -> None:
    request = Request(
        files=(), backends=("llama.cpp",), isas=("best",), threads=(1, 4, 99), workloads=(),
        options=lambda *_: Options(),
    )  # fmt: skip

    assert roofline.counts_of_run(request._replace(**fields), DEVICE) == counts
    emulated = DEVICE.model_copy(update={"emulated": "qemu"})
    assert roofline.counts_of_run(request, emulated) == ()


def test_a_run_says_once_that_it_measures_ceilings_and_goes_on_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EDGEBENCH_CACHE", str(tmp_path))

    device, notes = ceilings.for_a_run(DEVICE, (2,), played(Clock()))

    said = capsys.readouterr().err
    assert said.startswith("ceilings what this machine can do at most with 2 thread(s)")
    assert said.count("\n") == 2, "and where they are kept"
    assert device.ceilings is not None
    assert notes == ()
    assert ceilings.for_a_run(device, (2,)) == (device, ())
    assert capsys.readouterr().err == ""

    device, (note,) = ceilings.for_a_run(DEVICE, (2,), played(Clock(), "all"))
    assert device == DEVICE
    assert note.name == "no_ceilings"
    assert "onnxruntime is not installed" in note.message


def test_the_verb_measures_and_later_records_carry_it(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    # --max-time is over at once: one round, which is always finished.
    done = edgebench("roofline", "--threads", "1", "--max-time", "1s", "--json")

    assert done.returncode == 0, done.stderr
    assert "[1/8] read, 1 thread(s)" in done.stderr
    found = Ceilings.model_validate_json(done.stdout)
    assert json.loads(files.to_json(found)) == json.loads(done.stdout)
    assert {rate.threads for rate in (*found.read, *found.f32)} == {1}
    ran = edgebench("run", "--file", script(), "--workload", "tg4", "--threads", "1",
                    "--launches", "2")  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert record_in(tmp_path).device.ceilings == found
    assert edgebench("check", "results").returncode == 0


@pytest.mark.parametrize(
    ("threads", "max_time", "problem"),
    [
        ("0", "60s", "--threads '0' is not a list of numbers"),
        ("1,9999", "60s", "9999 threads were asked for"),
        ("1", "soon", "--max-time 'soon' is not a duration"),
    ],
)
def test_bad_options_end_with_a_sentence(threads: str, max_time: str, problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        command(threads, max_time)
