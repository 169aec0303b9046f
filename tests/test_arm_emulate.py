"""What `make arm-emulated` runs and calls a failure, on a machine that plays the emulator."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgebench import files
from edgebench.errors import CellFailed
from edgebench.schema.launch import Failure
from edgebench.schema.result import CellResult, Result
from scripts.arm import emulate, environment, repeatable
from scripts.arm.guest import Environment
from tests.results_maker import cell, decode_launches, launch, result, verification

MADE = Environment(Path("/e"), Path("/e/python"), (), Path("/e/c.so"), "7.2")
DEVICE = result().device.model_copy(update={"emulated": "qemu"})


def record(**fields: Any) -> Result:
    plain: dict[str, Any] = {
        "cell": cell(), "verification": verification(), "launches": decode_launches(10, 11),
        "emulated": "qemu",
    }  # fmt: skip
    return result(CellResult(**(plain | fields)), device=DEVICE)


def problems(folder: Path, monkeypatch: pytest.MonkeyPatch, code: int = 0) -> list[str]:
    """Of runs that each end with `code` and leave a record; their arguments go to `commands`."""

    def run(*arguments: str | Path, **_: object) -> Any:
        commands = folder / "commands"
        number = len(commands.read_text().splitlines()) if commands.exists() else 0
        with commands.open("a") as stream:
            stream.write(" ".join(map(str, arguments)) + "\n")
        (folder / f"{number}.json").write_text(files.to_json(record()))
        return SimpleNamespace(returncode=code)

    monkeypatch.setattr(emulate, "machine", lambda *_: SimpleNamespace(run=run))
    monkeypatch.setattr(emulate, "_detect", lambda *_: ["qemu-max", "max", "armv8.0_1"])
    return list(emulate._problems(MADE, {}, folder))


def test_every_variant_runs_twice_and_uncounted_instructions_are_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = problems(tmp_path, monkeypatch)

    variants, vectors, graph = (tmp_path / "commands").read_text().splitlines()
    assert "--isa all" in variants
    assert "--launches 2" in variants
    assert "--isa sve,i8mm,sve2" in vectors
    assert "--backend onnxruntime" in graph
    assert len(found) == 2, "of the graph runtime nothing is counted"
    assert all("instructions were not counted twice" in each for each in found)


def test_a_run_that_ends_badly_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = problems(tmp_path, monkeypatch, code=5)
    assert sum("edgebench run ended with 5" in each for each in found) == 3


@pytest.mark.parametrize("found", [(), ("armv8.2_1: not verified.",)], ids=["right", "wrong"])
def test_a_problem_fails_the_whole(
    found: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", ["emulate", "--output", str(tmp_path)])
    monkeypatch.setattr(environment, "make", lambda *_, **__: MADE)
    monkeypatch.setattr(emulate, "_cache", lambda _folder: tmp_path)
    monkeypatch.setattr(emulate, "_prepare_natively", lambda _scratch: None)
    monkeypatch.setattr(emulate, "_detect", lambda *_: ["qemu-max", "max", "armv8.0_1"])
    monkeypatch.setattr(emulate, "_problems", lambda *_: found)

    if not found:
        emulate.main()
        return
    with pytest.raises(CellFailed, match=r"armv8\.2_1: not verified"):
        emulate.main()


def test_cells_that_were_not_verified_or_failed_to_launch_are_problems() -> None:
    died = Failure(stage="trial", kind="crashed", message="SIGILL")
    failed = launch(0, ()).model_copy(update={"failure": died})

    (unverified,) = repeatable.problems(record(verification=None), counted=False)
    (crashed,) = repeatable.problems(record(launches=(failed,)), counted=False)

    assert unverified.endswith(": not verified.")
    assert crashed.endswith(": crashed: SIGILL.")
    assert list(repeatable.problems(record(), counted=False)) == []
