"""`check` believes the raw trials, not the summary."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from edgebench import files
from edgebench.analysis import records
from edgebench.errors import BadInput
from edgebench.schema.result import CellResult
from tests.results_maker import cell, decode_launches, result, verification

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Edgebench


@pytest.fixture
def document() -> dict[str, Any]:
    entry = CellResult(cell=cell(), verification=verification(), launches=decode_launches(10, 11))
    loaded: dict[str, Any] = json.loads(files.to_json(result(entry)))
    return loaded


def test_a_sound_record_is_ok(
    edgebench: Edgebench, tmp_path: Path, document: dict[str, Any]
) -> None:
    (tmp_path / "good.json").write_text(json.dumps(document))

    done = edgebench("check", "good.json")

    assert (done.returncode, done.stdout) == (0, "good.json: ok\n")


def _set(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        *parents, last = [int(p) if p.isdigit() else p for p in path.split(".")]
        node: Any = document
        for part in parents:
            node = node[part]
        node[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_set("schema_version", 2), "schema_version"),
        (_set("surprise", 1), "surprise: unknown key"),
        (_set("cells.0.cell.threads", 3), "cells.0.cell.id: is not the hash of the cell"),
        (_set("cells.0.cell.threads", "4"), "cells.0.cell.threads"),
        (_set("cells.0.launches.0.trials.1.step_ns.0", 1), "is not what the trials give"),
        (_set("cells.0.launches.0.trials.1.step_ns.0", -1), "step_ns.0"),
        (_set("cells.0.launches.0.trials.1.step_ns", [1, 2]), "expected 4 steps"),
        (_set("cells.0.launches.0.trials.0.divided_by", 4), "expected 1 steps"),
        (_set("cells.0.launches.0.trials.1.divided_by", 4), "only a warm-up may be shortened"),
        (_set("cells.0.launches.0.trials.1.wall_ns", 5), "shorter than its parts"),
        (_set("cells.0.launches.0.trials.1.prefill_ns", 5), "does not fit the workload"),
        (_set("cells.0.launches.0.dispatch.isa", "sve"), "is not the cell's"),
        (_set("cells.0.verification.status", "failed"), "is not what the trials give"),
        (_set("files.0.sha256", "b" * 64), "no such file"),
        (_set("schedule.order", [["0" * 12]]), "no cell '000000000000'"),
        (_set("summary", {}), "does not list the cells"),
        (_set("started_utc", "yesterday"), "started_utc"),
        (_set("device.memory_total_bytes", 10**400), "device.memory_total_bytes"),
        (_set("cells.0.launches.0.trials.1.counters.cpu_user_s", 1e308), "cpu_user_s"),
    ],
)
def test_anything_wrong_exits_with_2_and_names_the_field(
    edgebench: Edgebench,
    tmp_path: Path,
    document: dict[str, Any],
    change: Callable[[dict[str, Any]], None],
    said: str,
) -> None:
    change(document)
    (tmp_path / "bad.json").write_text(json.dumps(document))

    done = edgebench("check", "bad.json")

    assert done.returncode == 2
    assert done.stdout.startswith("bad.json: ")
    assert said in done.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not valid JSON"),
        ('{"a": 1, "a": 2}', "duplicate key 'a'"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ("[" * 100_000, "not valid JSON"),
        ("null", "the document"),
    ],
)
def test_what_is_not_a_record_at_all(
    edgebench: Edgebench, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "bad.json").write_text(text)

    done = edgebench("check", "bad.json")

    assert done.returncode == 2
    assert said in done.stdout
    assert "Traceback" not in done.stderr


def test_a_folder_is_searched_and_every_file_gets_its_line(
    edgebench: Edgebench, tmp_path: Path, document: dict[str, Any]
) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.json").write_text(json.dumps(document))
    (tmp_path / "deep" / "b.json").write_text("{}")

    done = edgebench("check", "deep", "--json")

    assert done.returncode == 2
    assert [bool(f["problem"]) for f in json.loads(done.stdout)] == [False, True]


def test_nothing_to_check_is_said(edgebench: Edgebench, tmp_path: Path) -> None:
    done = edgebench("check", tmp_path)

    assert done.returncode == 2
    assert "There is no record here." in done.stderr


def test_show_prints_the_table_of_a_record(
    edgebench: Edgebench, tmp_path: Path, document: dict[str, Any]
) -> None:
    (tmp_path / "good.json").write_text(json.dumps(document))

    assert "tiny Q4_0" in edgebench("show", "good.json").stdout
    assert json.loads(edgebench("show", "good.json", "--json").stdout) == document


def test_show_of_a_folder_names_a_record_that_is_in_it(
    edgebench: Edgebench, tmp_path: Path, document: dict[str, Any]
) -> None:
    (tmp_path / "results/board").mkdir(parents=True)
    empty = edgebench("show", "results")
    (tmp_path / "results/board/good.json").write_text(json.dumps(document))

    done = edgebench("show", "results")

    assert empty.returncode == done.returncode == 2
    assert "There is no record in it." in empty.stderr
    assert "Name a record, e.g. results/board/good.json;" in done.stderr


def test_keys_of_a_record_cannot_command_the_terminal(
    edgebench: Edgebench, tmp_path: Path, document: dict[str, Any]
) -> None:
    document["\x1b]0;pwned\x07"] = 1
    (tmp_path / "bad.json").write_text(json.dumps(document))

    for verb in ("check", "show"):
        done = edgebench(verb, "bad.json")
        assert done.returncode == 2
        assert "pwned" in done.stdout + done.stderr
        assert "\x1b" not in done.stdout + done.stderr


def test_a_record_that_contradicts_itself_is_not_shown(
    edgebench: Edgebench, tmp_path: Path, document: dict[str, Any]
) -> None:
    document["files"] = []
    (tmp_path / "bad.json").write_text(json.dumps(document))

    done = edgebench("show", "bad.json")

    assert done.returncode == 2
    assert "contradicts itself" in done.stderr
    assert "Traceback" not in done.stderr


def test_only_claims_read_experiments(tmp_path: Path) -> None:
    path = tmp_path / "x.experiment.json"
    path.write_text('{\n "schema_version": 1,\n "record": "experiment",\n "kind": "lora"\n}\n')

    for read in (records.read, records.read_strictly, records.read_measured):
        with pytest.raises(BadInput, match=r"is an experiment of the claims suite\..*claims judge"):
            read(path)
