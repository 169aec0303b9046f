"""What reading costs: schemas, one comparison, one gate, and starting the two programs.

pytest-benchmark prints the figures; `--benchmark-json` and `--benchmark-compare` keep and compare
them. Nothing is asserted about time, only that the work was done.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from edgebench import files
from edgebench.analysis import gate, gate_evidence
from edgebench.analysis.compare import compare
from edgebench.analysis.compare_reading import read_record, samples_of
from edgebench.analysis.compare_samples import SideSamples
from edgebench.models.catalog import load_catalog
from edgebench.report import table
from edgebench.schema.hardware import Profile
from edgebench.schema.result import CellResult, Result
from tests.results_maker import cell, decode_launches, result, verification

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

pytestmark = pytest.mark.bench
LAUNCHES = 50
ROUNDS = 15


def made(slower: float = 1.0, **fields: Any) -> Result:
    times = (slower * (10 + i / 100) for i in range(LAUNCHES))
    entry = CellResult(cell=cell(), verification=verification(), launches=decode_launches(*times))
    return result(entry, **fields)


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "record.json"
    path.write_text(files.to_json(made()))
    return path


def test_loading_a_record_of_fifty_launches(benchmark: BenchmarkFixture, record: Path) -> None:
    assert benchmark(read_record, record) == made()


def test_loading_it_strictly(benchmark: BenchmarkFixture, record: Path) -> None:
    assert benchmark(files.read_json, record, Result) == made()


def test_writing_it(benchmark: BenchmarkFixture) -> None:
    assert benchmark(files.to_json, made()).startswith("{")


def test_loading_the_catalogue(benchmark: BenchmarkFixture) -> None:
    assert benchmark(load_catalog).models


def test_loading_a_profile(benchmark: BenchmarkFixture) -> None:
    path = files.packaged("hardware") / "raspberry-pi" / "5.yaml"
    assert benchmark(files.read_yaml, path, Profile).vendor == "Raspberry Pi"


def test_comparing_two_records(benchmark: BenchmarkFixture) -> None:
    sides = [
        SideSamples(name, 1, tuple(samples_of(made(slower, run_id=name), name)), {})
        for name, slower in (("0000000a", 1.0), ("0000000b", 1.1))
    ]
    assert benchmark(compare, sides).differences


def test_gating_two_records(benchmark: BenchmarkFixture) -> None:
    base, head = (samples_of(made(by, run_id=f"0000000{by}"), "") for by in (1, 2))

    def judge() -> list[str]:
        material = gate_evidence.gather(base, head, detectable={})
        return [each.verdict for each in gate.judge(material.evidence, 0.05)]

    assert benchmark(judge) == ["fail"]


def test_drawing_the_table(benchmark: BenchmarkFixture) -> None:
    assert "tok/s" in benchmark(table.render, made())


@pytest.mark.parametrize(
    "arguments",
    [("-m", "edgebench", "--help"), ("-P", "-c", "import edgebench.measure.worker"), ("-c", "0")],
    ids=["edgebench --help", "the worker", "Python alone"],
)
def test_starting(benchmark: BenchmarkFixture, arguments: tuple[str, ...]) -> None:
    pedantic: Any = benchmark.pedantic
    done = pedantic(
        subprocess.run,
        args=([sys.executable, *arguments],),
        kwargs={"check": True, "stdout": subprocess.DEVNULL},
        rounds=ROUNDS,
        warmup_rounds=1,
    )
    assert done.returncode == 0
