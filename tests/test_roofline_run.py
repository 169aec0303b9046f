"""Who measures ceilings, and when: the verb, a run, a claim."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from edgebench import files
from edgebench.cli import ceilings, setup
from edgebench.cli.roofline import command
from edgebench.errors import BadInput
from edgebench.measure import roofline
from edgebench.measure.plan import Request
from edgebench.schema.ceilings import Ceilings
from edgebench.schema.cell import Options
from tests.ceilings_maker import Clock, measured, played
from tests.conftest import record_in
from tests.results_maker import DEVICE

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.schema.device import Device
    from tests.conftest import Edgebench, Script


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
