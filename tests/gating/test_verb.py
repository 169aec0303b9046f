"""The verb as a pull request meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from edgebench import files
from edgebench.cli import gating
from edgebench.cli.verbs import app
from edgebench.errors import BadInput
from edgebench.schema.comparison import GateReport
from tests.gating.makers import STEPS_MS, record, slower
from tests.gating.played import RULES, SIDES, Played, limits

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Edgebench, Script


def test_two_option_sets_through_real_workers(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    path = script(step_ns=[2_000_000], launch_factors=[1.0, 1.01, 0.99])

    done = edgebench("gate", "--base-args", f"--file {path}", "--head-args", f"--file {path}",
                     "--pairs", "2", "--metric", "wall", "--json", "--junit", "gate.xml",
                     "--markdown", "gate.md", "--", "--workload", "tg4",
                     "--threads", "1")  # fmt: skip

    found = GateReport.model_validate_json(done.stdout)
    assert (found.interleaved, found.judgements[0].pairs) == (True, 2)
    assert ET.parse(tmp_path / "gate.xml").getroot().get("tests") == "1"
    assert "edgebench gate" in (tmp_path / "gate.md").read_text()
    assert edgebench("check", "gate").returncode == 0


def test_records_through_the_verb_and_its_exit_codes(tmp_path: Path) -> None:
    wide = record(*(ms * (0.7 if i % 2 else 1.4) for i, ms in enumerate(STEPS_MS)))
    again = record(*slower(1.0001))
    records = {"a": record(), "again": again, "slow": record(*slower(1.2)), "wide": wide}
    for name, made in records.items():
        (tmp_path / f"{name}.json").write_text(files.to_json(made))

    def code(head: str, *options: str) -> int:
        paths = [str(tmp_path / "a.json"), str(tmp_path / head)]
        environ = {"EDGEBENCH_CACHE": str(tmp_path)}
        return CliRunner().invoke(app, ["gate", *paths, *options], env=environ).exit_code

    assert code("again.json", "--metric", "wall") == 0
    assert code("slow.json", "--metric", "wall") == 1
    assert code("wide.json", "--metric", "wall") == 3
    assert code("wide.json", "--metric", "wall", "--inconclusive", "pass") == 0
    assert code("wide.json", "--metric", "wall", "--inconclusive", "fail") == 1


def gate_of(tmp_path: Path, *names: str) -> GateReport:
    world = Played(tmp_path).world()
    base, head = (tmp_path / name for name in names)
    return gating.judge_records(base, head, RULES, world)


def test_a_record_is_not_gated_against_its_copy(tmp_path: Path) -> None:
    for name in ("a.json", "copy.json"):
        (tmp_path / name).write_text(files.to_json(record()))

    for head in ("a.json", "copy.json"):
        with pytest.raises(BadInput, match="are the same launches"):
            gate_of(tmp_path, "a.json", head)


def test_the_records_of_a_gate_can_be_gated_again(tmp_path: Path) -> None:
    played = Played(tmp_path, base=STEPS_MS, head=slower(1.001))
    gating.judge_in_turns(SIDES, RULES, limits(), tmp_path / "gate", played.world())

    base, head = sorted((tmp_path / "gate").iterdir())

    assert gate_of(tmp_path, str(base), str(head)).interleaved


def test_a_gated_record_is_read_as_strictly_as_check_reads_it(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(files.to_json(record()))
    twice = files.to_json(record(*slower(2))).replace("{", '{"run_id": "0123abcd",', 1)
    (tmp_path / "twice.json").write_text(twice)

    with pytest.raises(BadInput, match="duplicate key 'run_id'"):
        gate_of(tmp_path, "a.json", "twice.json")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--", "--model", "smollm2-135m"), "--base-args and --head-args"),
        (("a.json", "b.json", "--", "--threads", "2"), "records are not run again"),
        (("a.json", "b.json", "--base-args", "--threads 1"), "judges records or measures sides"),
    ],
)
def test_what_cannot_be_gated_is_a_sentence(arguments: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(app, ["gate", *arguments])
    assert isinstance(done.exception, BadInput)
    assert said in str(done.exception)


def test_the_verb_without_two_sides_is_a_sentence(edgebench: Edgebench) -> None:
    done = edgebench("gate", "a.json")

    assert done.returncode == 2
    assert done.stderr.startswith("edgebench: gate needs two records, or --base and --head.")
