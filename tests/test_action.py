"""The scripts of action.yml, played as a runner plays them, on the fake engine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from edgebench import files
from edgebench.schema.result import CellResult
from tests.results_maker import cell, decode_launches, result, verification

if TYPE_CHECKING:
    from tests.conftest import Script

ACTION: dict[str, Any] = yaml.safe_load((Path(__file__).parent.parent / "action.yml").read_text())
DEFAULTS = {name: declared["default"] for name, declared in ACTION["inputs"].items()}


class Runner:
    """A workspace with the action beside it, and the files through which steps talk."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.folder, self._environ = folder, environ
        self.bin = folder / "action" / ".venv" / "bin"
        self.bin.mkdir(parents=True)
        self.install(f'exec "{sys.executable}" -m edgebench "$@"')
        self.output, self.summary = folder / "output", folder / "summary.md"

    def install(self, script: str) -> None:
        """Put this in the place of edgebench."""
        (self.bin / "edgebench").write_text(f"#!/bin/sh\n{script}\n")
        (self.bin / "edgebench").chmod(0o755)

    def step(self, name: str, record: str = "", **inputs: str) -> subprocess.CompletedProcess[str]:
        """Run the script of the step of that id, with what its `env` asks for."""
        (step,) = (step for step in ACTION["runs"]["steps"] if step.get("id") == name)
        values = {f"inputs.{key}": value for key, value in (DEFAULTS | inputs).items()}
        values["steps.measure.outputs.record"] = record
        wanted = {
            key: re.sub(r"\$\{\{ (\S+) \}\}", lambda found: values[found[1]], text)
            for key, text in step["env"].items()
        }
        runners = {
            "GITHUB_ACTION_PATH": self.folder / "action", "GITHUB_OUTPUT": self.output,
            "GITHUB_STEP_SUMMARY": self.summary, "RUNNER_TEMP": self.folder,
        }  # fmt: skip
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            env={**self._environ, **wanted, **{key: str(path) for key, path in runners.items()}},
            cwd=self.folder, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def outputs(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.output.read_text().splitlines())


@pytest.fixture
def runner(tmp_path: Path, environ: dict[str, str]) -> Runner:
    return Runner(tmp_path, environ)


def test_it_measures_and_shows_the_record(runner: Runner, script: Script) -> None:
    done = runner.step("measure", file=str(script()), backend="fake", threads="1",
                       workload="pp8", arguments="--launches 2\n --trials  1")  # fmt: skip

    assert done.returncode == 0, done.stderr
    record = Path(runner.outputs()["record"])
    assert record.is_file()
    assert runner.outputs()["name"] == record.stem
    assert runner.outputs()["program"] == str(runner.bin / "edgebench")
    summary = runner.summary.read_text()
    assert "| pp8 |" in summary
    assert "(n=2)" in summary


def test_every_input_reaches_the_command_and_an_empty_one_does_not(runner: Runner) -> None:
    runner.install('printf "<%s>\\n" "$@"')
    given = {name: f"some-{name}" for name in ("quant", "backend", "isa", "workload", "threads")}

    shown = runner.step("measure", **given).stdout
    plain = runner.step("measure").stdout

    for name, value in given.items():
        assert f"<--{name}={value}>" in shown
        assert f"--{name}" not in plain


def test_a_record_of_failed_cells_is_uploaded_too() -> None:
    """Without a status function, a step is skipped once another one has failed."""
    (upload,) = (s for s in ACTION["runs"]["steps"] if "upload-artifact" in s.get("uses", ""))
    assert "!cancelled()" in upload["if"]


def test_an_inconclusive_gate_only_warns_unless_told_otherwise(runner: Runner) -> None:
    runner.install("exit 3")
    assert runner.step("gate", baseline="base.json").returncode == 0


@pytest.mark.parametrize(("slower", "verdict"), [(1.0001, "pass"), (1.5, "fail")])
def test_it_gates_with_the_real_gate(runner: Runner, slower: float, verdict: str) -> None:
    for name, factor in (("base.json", 1.0), ("head.json", slower)):
        times_ms = [factor * (10 + 0.01 * (n % 3)) for n in range(40)]
        entry = CellResult(cell=cell(), verification=verification(),
                           launches=decode_launches(*times_ms))  # fmt: skip
        (runner.folder / name).write_text(files.to_json(result(entry)))

    done = runner.step("gate", record="head.json", baseline="base.json", threshold="10%")

    assert runner.outputs() == {"verdict": verdict}, done.stdout + done.stderr
    assert done.returncode == (verdict == "fail")
    assert "edgebench gate" in runner.summary.read_text()


def test_a_failed_cell_fails_the_job_and_is_still_shown(runner: Runner, script: Script) -> None:
    done = runner.step("measure", file=str(script(wrong=True)), workload="pp8",
                       arguments="--launches 1 --strict")  # fmt: skip

    assert done.returncode == 5, done.stderr
    assert "no speed is shown" in runner.summary.read_text()
    assert Path(runner.outputs()["record"]).is_file()


@pytest.mark.parametrize("hostile", ["$(touch pwned)", '"; touch pwned; "', "`touch pwned`", "*"])
def test_an_input_is_never_run(runner: Runner, hostile: str) -> None:
    runner.install('printf "<%s>\\n" "$@"')

    for step in ("measure", "gate"):
        done = runner.step(step, **dict.fromkeys(DEFAULTS, hostile))
        assert done.returncode == 0, done.stderr
        assert hostile in done.stdout

    shown = runner.step("measure", model=hostile, arguments="--launches 2 *").stdout
    assert not (runner.folder / "pwned").exists()
    assert f"<--model={hostile}>" in shown
    assert shown.endswith("<--launches>\n<2>\n<*>\n"), "no file names in the place of a star"


@pytest.mark.parametrize(
    ("code", "inconclusive", "verdict", "expected"),
    [
        (0, "warn", "pass", 0),
        (1, "warn", "fail", 1),
        (3, "warn", "inconclusive", 0),
        (3, "fail", "inconclusive", 3),
    ],
)
def test_the_gates_exit_code_becomes_a_verdict(
    runner: Runner, code: int, inconclusive: str, verdict: str, expected: int
) -> None:
    runner.install(f'echo "$@"; exit {code}')

    done = runner.step("gate", record="head.json", baseline="base.json", threshold="10%",
                       inconclusive=inconclusive)  # fmt: skip

    assert done.returncode == expected
    assert runner.outputs() == {"verdict": verdict}
    assert re.match(r"gate --markdown=\S+ --threshold=10% -- base.json head.json\n", done.stdout)
    assert ("::warning" in done.stdout) == (code == 3)


def test_a_gate_that_could_not_judge_gives_no_verdict(runner: Runner) -> None:
    runner.install("exit 2")

    assert runner.step("gate", baseline="missing.json").returncode == 2
    assert not runner.output.exists()
