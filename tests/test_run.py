"""The whole program from the command line to the record, played by the fake backend."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from edgebench.measure import ignored
from edgebench.measure.ignored import Wish
from edgebench.measure.plan import Probe
from tests.conftest import record_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Edgebench, Script

FAST = ("--workload", "pp16,tg4", "--threads", "1", "--launches", "3")


def test_a_run_prints_a_table_and_writes_a_valid_record(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    path = script(prefill_ns_per_token=1_000_000, step_ns=[2_000_000])

    done = edgebench("run", "--file", path, *FAST)

    assert done.returncode == 0, done.stderr
    assert "500.0" in done.stdout, "tg4: one step takes 2 ms of the scripted clock"
    assert "1000" in done.stdout, "pp16: one token takes 1 ms"
    assert "no engine ran" in done.stdout
    assert edgebench("check", "results").returncode == 0
    result = record_in(tmp_path)
    assert result.schedule.stopped_because == "launches"
    assert [len(cell.launches) for cell in result.cells] == [3, 3]
    assert all(t.warmup == (t.index == 0) for t in result.cells[0].launches[0].trials)


def test_lists_multiply_into_cells(edgebench: Edgebench, script: Script) -> None:
    done = edgebench(
        "run", "--file", script(), "--dry-run", "--json", "--threads", "1",
        "--workload", "pp8,tg4@d16", "--isa", "scripted,other",
    )  # fmt: skip

    cells = json.loads(done.stdout)["cells"]
    named = {(cell["isa"], cell["workload"]["name"]) for cell in cells}
    assert named == {(i, w) for i in ("scripted", "other") for w in ("pp8", "tg4@d16")}


def test_an_option_given_twice_drops_nothing_in_silence(
    edgebench: Edgebench, script: Script
) -> None:
    asked = ("run", "--file", script(), "--dry-run", "--threads", "1")

    twice = edgebench(*asked, "--isa", "scripted", "--isa", "other", "--json")
    once = edgebench(*asked, "--isa", "scripted,other", "--json", "--no-ceilings", "--no-ceilings")

    assert {cell["isa"] for cell in json.loads(twice.stdout)["cells"]} == {"other"}
    assert "--isa was given more than once, and the last one counts" in twice.stderr
    assert "more than once" not in once.stderr


def test_a_gpu_is_a_cuda_device_by_name(edgebench: Edgebench, script: Script) -> None:
    done = edgebench("run", "--file", script(), "--device", "gpu")

    assert done.returncode == 4
    assert "No device named 'gpu'. Did you mean 'cuda'?" in done.stderr


def test_what_an_engine_says_of_a_gpu_is_heard(edgebench: Edgebench, script: Script) -> None:
    done = edgebench("run", "--file", script(), "--device", "cuda")

    assert done.returncode == 8
    assert "The fake runs on the CPU only." in done.stderr


def test_a_dry_run_measures_nothing_and_says_what_it_skips(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    done = edgebench("run", "--file", script(), "--dry-run", "--threads", "1,999")

    assert "measure  fake scripted 1t pp512" in done.stdout
    assert "skip     fake scripted 999t pp512: 999 threads were asked for" in done.stdout
    assert not (tmp_path / "results").exists()


def test_it_stops_at_the_precision_asked_for(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    path = script(launch_factors=[1.0, 1.001])

    edgebench("run", "--file", path, "--workload", "tg4", "--threads", "1", "--precision", "1%")

    schedule = record_in(tmp_path).schedule
    assert schedule.stopped_because == "precision"
    assert len(schedule.order) == schedule.min_launches


def test_it_goes_on_while_intervals_are_wide_and_says_that_they_stayed_so(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    path = script(launch_factors=[1.0, 1.5, 0.7])

    done = edgebench("run", "--file", path, "--workload", "tg4", "--threads", "1")

    schedule = record_in(tmp_path).schedule
    assert schedule.stopped_because == "launches"
    assert len(schedule.order) == schedule.max_launches
    assert "wide: fake scripted 1t tg4" in done.stdout


def test_a_wrong_answer_shows_no_speed_anywhere(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    done = edgebench("run", "--file", script(wrong=True), *FAST, "--strict")

    assert done.returncode == 5
    assert "FAILED" in done.stdout
    result = record_in(tmp_path)
    assert all(cell.verification and cell.verification.status == "failed" for cell in result.cells)
    assert all(not cell.launches for cell in result.cells), "it is not even timed"
    for summary in result.summary.values():
        assert summary.decode_tok_s is None
        assert summary.prefill_tok_s is None


def test_another_instruction_set_than_asked_for_is_a_failure(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    path = script(dispatches={"other": "scripted"})

    edgebench("run", "--file", path, *FAST, "--isa", "other")

    verification = record_in(tmp_path).cells[0].verification
    assert verification is not None
    assert verification.failure is not None
    assert verification.failure.kind == "wrong_isa"


def test_scenarios_time_tokenizing_and_sampling(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    edgebench("run", "--file", script(), "--workload", "command.v1", "--threads", "1",
              "--launches", "1")  # fmt: skip

    (cell,) = record_in(tmp_path).cells
    trial = cell.launches[0].trials[1]
    assert trial.tokenize_ns == 1_000 * 4 * 64, "the script takes 1 us a character"
    assert trial.sample_ns is not None
    assert len(trial.sample_ns) == 1 + 32


def test_output_names_a_file_or_a_folder_and_never_overwrites(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    path = script()
    assert edgebench("run", "--file", path, *FAST, "--output", "mine.json").returncode == 0
    assert (tmp_path / "mine.json").exists()

    again = edgebench("run", "--file", path, *FAST, "--output", "mine.json")

    assert again.returncode == 2
    assert "mine.json exists" in again.stderr


def test_json_prints_the_record(edgebench: Edgebench, script: Script, tmp_path: Path) -> None:
    done = edgebench("run", "--file", script(), *FAST, "--json")

    assert json.loads(done.stdout) == json.loads(record_in(tmp_path).model_dump_json())


def test_records_do_not_carry_folders_of_this_machine(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    edgebench("run", "--file", script(), *FAST)

    (path,) = (tmp_path / "results").rglob("*.json")
    assert str(tmp_path) not in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--model", "tinylama"], 4, "Did you mean 'tinyllama'?"),
        (["--model", "tinyllama", "--quant", "Q9_9"], 4, "Q4_K_M"),
        (["--backend", "lama.cpp"], 4, "Did you mean 'llama.cpp'?"),
        (["--workload", "pq512"], 4, "No workload named 'pq512'"),
        (["--workload", "pp0"], 2, "does nothing"),
        (["--threads", "two"], 2, "--threads 'two'"),
        (["--precision", "200%"], 2, "--precision '200%'"),
        (["--max-time", "soon"], 2, "--max-time 'soon'"),
        (["--load", "carrier-pigeon"], 4, "Known: mlock, mmap, read"),
        (["--file", "absent.gguf"], 2, "absent.gguf"),
    ],
)
def test_a_mistake_gets_one_sentence_and_its_exit_code(
    edgebench: Edgebench, arguments: list[str], code: int, said: str
) -> None:
    done = edgebench("run", "--dry-run", *arguments)

    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_an_option_that_the_engine_does_not_have_is_said_and_recorded(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    done = edgebench("run", "--file", script(), *FAST, "--no-repacking", "--prepacked")

    said = "fake has no setting for --prepacked and --no-repacking"
    assert done.stderr.count(f"ignored  {said}") == 1
    assert f"option_ignored: {said}" in done.stdout
    assert [note.name for note in record_in(tmp_path).warnings].count("option_ignored") == 1


def test_an_option_is_ignored_by_the_engines_that_do_not_have_it() -> None:
    probes = {
        "a": Probe(None, settings=frozenset({"spinning"})),
        "b": Probe(None, settings=frozenset({"load_mode", "spinning"})),
        "c": Probe("c is not installed."),
    }
    wishes = (Wish("spinning", "--no-spinning"), Wish("load_mode", "--load"))

    (note,) = ignored.notes(wishes, ("a", "b", "c"), probes)

    assert note.message == "a has no setting for --load: its cells run as they would without."
    assert not list(ignored.notes((), ("a", "b", "c"), probes))


def test_files_that_are_not_there_yet_are_planned_apart(edgebench: Edgebench) -> None:
    done = edgebench(
        "run", "--dry-run", "--json", "--weights", "synthetic", "--model", "tinyllama,smollm2-135m",
        "--quant", "Q4_0,Q8_0", "--workload", "tg8", "--threads", "1",
    )  # fmt: skip

    assert len({cell["id"] for cell in json.loads(done.stdout)["cells"]}) == 4


def test_a_cache_that_cannot_be_made_is_one_sentence(
    edgebench: Edgebench, script: Script, environ: dict[str, str]
) -> None:
    environ["EDGEBENCH_CACHE"] = "/proc/nope"

    done = edgebench("run", "--file", script(), *FAST)

    assert done.returncode == 9
    assert "Set EDGEBENCH_CACHE" in done.stderr
    assert "Traceback" not in done.stderr


def test_cells_that_time_did_not_reach_are_named(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    done = edgebench("run", "--file", script(), "--workload", "pp16,tg4", "--threads", "1",
                     "--max-time", "0.001s")  # fmt: skip

    assert record_in(tmp_path).schedule.stopped_because == "max_time"
    assert "not launched: --max-time was spent" in done.stdout


def test_an_engine_that_dies_in_verification_is_not_called_wrong(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    path = script(fail={"at": "decode", "how": "sigkill"})

    done = edgebench("run", "--file", path, *FAST, "--strict")

    assert done.returncode == 5
    assert "engine failed" in done.stdout
    assert "the output is wrong" not in done.stdout
    (first, *_) = record_in(tmp_path).cells
    assert first.verification is not None
    assert first.verification.status == "not_possible"
    assert not first.launches
