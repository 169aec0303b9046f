"""`edgebench hardware …` through the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgebench.cli.verbs import app
from edgebench.errors import BadInput, UnknownName
from edgebench.schema.device import Device
from tests.machine_tree import BOARD

ROOT = Path(__file__).parent.parent
RECORD = next((ROOT / "results/amd-epyc-25-17-2cpu").glob("*-fcf87bbf.json"))


def run(*arguments: str | Path, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["hardware", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.stdout


def test_detect_says_what_this_machine_is() -> None:
    found = Device.model_validate_json(run("detect", "--json"))
    assert found.clusters
    assert found.affinity
    assert run("detect").startswith(f"device     {found.id}")


def test_profiles_are_listed_and_shown() -> None:
    assert "raspberry-pi/5" in run("list")
    assert len(json.loads(run("list", "--json"))) >= 20
    assert "17.1 GB/s in theory [launch]" in run("show", "raspberry-pi/5")
    with pytest.raises(UnknownName, match="Did you mean 'raspberry-pi/5'"):
        run("show", "raspberry-pi/6")


def test_a_machine_that_no_profile_knows(tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme/board.yaml").write_text(BOARD)
    told = run("match", "--why-not", "--profiles", tmp_path)
    assert told.startswith("No profile knows this machine: edgebench hardware new drafts one.\n")
    assert "acme/board: compatible:" in told
    as_json = json.loads(run("match", "--why-not", "--profiles", tmp_path, "--json"))
    assert as_json["profile"] is None


def test_new_writes_once(tmp_path: Path) -> None:
    run("new", "--output", tmp_path / "acme/board.yaml")
    assert "match:" in (tmp_path / "acme/board.yaml").read_text()
    with pytest.raises(BadInput, match="exists"):
        run("new", "--output", tmp_path / "acme/board.yaml")


def test_validate_exits_with_2_and_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "acme/board.yaml"
    path.parent.mkdir()
    path.write_text(BOARD)
    assert run("validate", path) == f"{path}: ok\n"
    path.write_text(BOARD.replace("mhz: 2400", "mhz: 2.4 GHz"))
    assert f"{path}:10: " in run("validate", path, code=2)
    assert json.loads(run("validate", path, "--json", code=2))[0]["file"] == str(path)


def test_ours_are_valid() -> None:
    said = run("validate").splitlines()
    assert len(said) >= 20
    assert all(line.endswith(": ok") for line in said)


def test_check_looks_at_records_of_that_board_only() -> None:
    assert "records  1 of this board" in run("check", "amd/epyc-9004-vm", RECORD)
    told = json.loads(run("check", "nvidia/jetson-orin-nano-8gb", RECORD, "--json"))
    assert [each["verdict"] for each in told] == ["not tested"]


def test_the_example_of_the_documentation_is_a_valid_profile(tmp_path: Path) -> None:
    page = (ROOT / "docs/hardware.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    path = tmp_path / "acme/board-1.yaml"
    path.parent.mkdir()
    path.write_text(block)
    assert run("validate", path) == f"{path}: ok\n"
