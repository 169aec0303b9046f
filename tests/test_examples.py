"""What examples/ shows works: packages are installed, found and used; data is validated."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edgebench import files
from edgebench.models.catalog import load_catalog
from edgebench.schema.result import Result
from tests import loopback
from tests.claims import makers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
MOST_LINES = 30


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Builds an example's wheel and unpacks it, as pip would, into a folder of its own."""

    def install(name: str) -> Path:
        built, site = (tmp_path_factory.mktemp(f"{name}-{what}") for what in ("wheel", "site"))
        _quietly(sys.executable, "-m", "build", "--wheel", "--no-isolation",
                 "--outdir", built, EXAMPLES / name)  # fmt: skip
        (wheel,) = built.glob("*.whl")
        zipfile.ZipFile(wheel).extractall(site)
        return site

    return install


def _quietly(*command: str | Path) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def edgebench(site: Path, folder: Path, *arguments: str | Path, **environ: str) -> str:
    """What the command line prints with the package installed."""
    done = subprocess.run(
        [sys.executable, "-m", "edgebench", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site), **environ},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def code_lines(path: Path) -> int:
    return sum(bool(line.strip()) for line in path.read_text(encoding="utf-8").splitlines())


def test_a_backend_and_a_meter_are_short() -> None:
    paths = [*EXAMPLES.glob("backend/*.py"), *EXAMPLES.glob("meter/*.py")]
    assert len(paths) >= 2
    for path in paths:
        assert code_lines(path) <= MOST_LINES, path.name


@pytest.mark.real
def test_the_backend_measures_a_real_model_verified(
    installed: Callable[[str], Path], tmp_path: Path
) -> None:
    shown = edgebench(
        installed("backend"), tmp_path, "run", "--model", "smollm2-135m", "--backend",
        "high-level,llama.cpp", "--workload", "pp16+tg4", "--launches", "1", "--trials", "1",
        "--threads", "1", "--meters", "none", "--strict", "--json",
    )  # fmt: skip

    record = Result.model_validate_json(shown)
    assert {entry.cell.backend for entry in record.cells} == {"high-level", "llama.cpp"}
    for entry in record.cells:
        assert entry.verification is not None
        assert entry.verification.status == "passed"
        assert entry.launches[0].dispatch is not None
        assert entry.launches[0].dispatch.isa == entry.cell.isa
        assert record.summary[entry.cell.id].decode_tok_s is not None


@pytest.fixture
def plug() -> Iterator[loopback.Server]:
    with loopback.running() as server:
        server.files["/rpc/Switch.GetStatus?id=0"] = json.dumps({"apower": 5.5}).encode()
        yield server


def test_the_meter_is_found_and_reads_a_plug(
    installed: Callable[[str], Path], plug: loopback.Server, tmp_path: Path
) -> None:
    told = json.loads(
        edgebench(installed("meter"), tmp_path, "doctor", "--json", EDGEBENCH_SHELLY=plug.url)
    )

    (found,) = [each for each in told["energy"] if each["kind"] == "shelly"]
    assert found["name"] == "plug"
    assert found["why_not"] is None


def test_a_plug_that_is_not_there_is_a_sentence(
    installed: Callable[[str], Path], tmp_path: Path
) -> None:
    told = json.loads(
        edgebench(
            installed("meter"), tmp_path, "doctor", "--json", EDGEBENCH_SHELLY="http://127.0.0.1:9"
        )
    )

    (found,) = [each for each in told["energy"] if each["kind"] == "shelly"]
    assert found["why_not"].startswith("The plug did not answer: ")


def test_the_board_is_valid_and_has_every_part_of_a_profile(tmp_path: Path) -> None:
    board = EXAMPLES / "board" / "acme" / "board-1.yaml"
    assert edgebench(tmp_path, tmp_path, "hardware", "validate", board).endswith(": ok\n")


def test_the_model_s_entry_is_the_catalogue_s() -> None:
    shown = load_catalog(EXAMPLES / "model" / "models.yaml").models
    assert shown
    for name, model in shown.items():
        assert load_catalog().models[name] == model


@pytest.mark.parametrize(
    ("ratio", "said"), [(1.8, "supported"), (1.0, "refuted"), (1.35, "inconclusive")]
)
def test_the_claim_wins_loses_and_stays_open(ratio: float, said: str) -> None:
    found = runpy.run_path(str(EXAMPLES / "claim" / "second_thread.py"))["CLAIM"]
    weights = makers.file(quant="Q4_0")
    cells = [
        makers.speeds(weights, "tg64", 10.0 * (ratio if threads == 2 else 1), threads=threads)
        for threads in (1, 2)
    ]

    (endpoint,) = found.judge(makers.evidence(makers.record([weights], *cells)))

    assert endpoint.verdict == said
    assert endpoint.margin == found.margins["decode"]


def test_the_project_s_test_is_collected(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider",
         "--rootdir", tmp_path, EXAMPLES / "pytest"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert "test_speed.py::test_decode_speed" in done.stdout
    assert files.packaged("models.yaml").exists()
