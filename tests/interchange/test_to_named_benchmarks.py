"""Formats that go by names: pytest-benchmark, github-action-benchmark, Bencher, benchstat."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from edgebench.analysis.interchange import exported, to_benchstat, to_ci, to_pytest_benchmark
from edgebench.schema.cell import Options
from tests.interchange.makers import DATA, SHOWN_MS, entry, save
from tests.results_maker import FILE, cell, decode_launches

if TYPE_CHECKING:
    from pathlib import Path


def test_pytest_benchmark_compares_ours(tmp_path: Path) -> None:
    for name, slower in (("0001_old", 1.0), ("0002_new", 1.5)):
        launches = decode_launches(*(ms * slower for ms in SHOWN_MS))
        path = save(tmp_path / "records" / f"{name}.json", entry(launches=launches))
        out = tmp_path / "Linux-CPython-3-64bit" / f"{name}.json"
        out.parent.mkdir(exist_ok=True)
        out.write_text(to_pytest_benchmark.text(exported.read([path])))

    done = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "--storage", str(tmp_path), "compare"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )

    assert "decode[tiny Q4_0 llama.cpp armv8.2_1 4t tg4] (0001_old)" in done.stdout
    assert "(1.50)" in done.stdout


def test_bencher_metric_format_fits_its_schema(mixed: Path) -> None:
    document = json.loads(to_ci.bencher(exported.read([mixed])))

    jsonschema.validate(document, json.loads((DATA / "bmf.schema.json").read_text()))
    (measures,) = document.values()
    decode = measures["decode-tok-s"]
    assert decode["lower_value"] < decode["value"] < decode["upper_value"]
    assert decode["value"] == pytest.approx(98.04, rel=1e-3)


def test_github_action_benchmark_entries(sound: Path) -> None:
    """Required: name, unit, value; optional: range and extra (its README)."""
    export = exported.read([sound])
    bigger = json.loads(to_ci.bigger_is_better(export))
    smaller = json.loads(to_ci.smaller_is_better(export))

    for each in (*bigger, *smaller):
        assert set(each) <= {"name", "unit", "value", "range", "extra"}
        assert isinstance(each["value"], float)
    assert [each["unit"] for each in bigger] == ["tok/s"]
    assert {each["unit"] for each in smaller} == {"s", "s/token", "bytes"}
    assert bigger[0]["range"].startswith("± ")


def names_in(export: exported.Export) -> dict[str, list[str]]:
    """What each format that goes by names calls its benchmarks."""
    lines = [line.split() for line in to_benchstat.text(export).splitlines() if line]
    return {
        "pytest-benchmark": [
            each["fullname"] for each in json.loads(to_pytest_benchmark.text(export))["benchmarks"]
        ],
        "github-action-benchmark": [
            each["name"] for each in json.loads(to_ci.bigger_is_better(export))
        ],
        "bencher": list(json.loads(to_ci.bencher(export))),
        "benchstat": list(dict.fromkeys(line[0] for line in lines if line[0].startswith("Bench"))),
    }


def test_cells_that_differ_in_options_alone_have_names_of_their_own(tmp_path: Path) -> None:
    cells = [cell(options=Options(cpus=cpus)) for cpus in ("4-7", "0-3")]
    entries = [entry(cell=each) for each in cells]

    found = names_in(exported.read([save(tmp_path / "a.json", *entries)]))

    for names in found.values():
        assert len(set(names)) == len(names) == 2
        assert sum("cpus_4-7" in name.replace(" ", "_") for name in names) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"device": "cuda"},
        {"threads": 8},
        {"backend": "onnxruntime"},
        {"options": Options(kv_type="q8_0")},
        {"options": Options(load_mode="read")},
        {"options": Options(repacking=False)},
    ],
    ids=str,
)
def test_no_two_cells_are_one_benchmark(tmp_path: Path, other: dict[str, Any]) -> None:
    """Their launches would be one sample of benchstat's, and a mean of both its figure."""
    path = save(tmp_path / "a.json", entry(), entry(cell=cell("tg4", **other)))

    for names in names_in(exported.read([path])).values():
        assert len(set(names)) == 2


def test_sessions_of_a_cell_are_numbered_and_are_one_sample_for_benchstat(tmp_path: Path) -> None:
    for number in (1, 2):
        save(tmp_path / f"{number}.json", entry(), run_id=f"{number}" * 8)

    found = names_in(exported.read([tmp_path]))

    assert len(found.pop("benchstat")) == 1
    for names in found.values():
        assert len(set(names)) == len(names) == 2
        assert sum("#2" in name for name in names) == 1


def test_names_too_long_for_bencher_stay_apart(tmp_path: Path) -> None:
    for number in (1, 2):
        named = FILE.model_copy(update={"model": "a" * 999 + str(number) + "b" * 999})
        save(tmp_path / f"{number}.json", entry(), run_id=f"{number}" * 8, files=(named,))

    names = list(json.loads(to_ci.bencher(exported.read([tmp_path]))))

    assert len(names) == 2
    assert max(map(len, names)) <= to_ci.LONGEST_NAME


def test_benchstat_has_a_line_per_launch(sound: Path) -> None:
    text = to_benchstat.text(exported.read([sound]))

    lines = [line for line in text.splitlines() if line.startswith("Benchmark")]
    assert len(lines) == len(SHOWN_MS)
    form = r"Benchmark\w+(/\w+=[\w.:+@()-]+)+ 1 [\d.e+-]+ tok/s [\d.e+-]+ s/token"
    assert all(re.fullmatch(form, line) for line in lines)
    assert not any(re.search(r"-\d+ 1 ", line) for line in lines), "Go would read GOMAXPROCS"
