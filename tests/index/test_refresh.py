"""The index says what the files say, whatever happened to either."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edgebench import files
from edgebench.analysis import compare_reading, records
from edgebench.analysis.compare import compare
from edgebench.analysis.index import query, sample_text, sides, store
from edgebench.errors import BadInput, CannotWrite, NotUsableHere
from edgebench.report import comparison
from edgebench.schema.result import CellResult
from tests import many_records
from tests.results_maker import DEVICE, cell, decode_launches, result, verification

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULTS = Path(__file__).parent.parent.parent / "results"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    many_records.write(tmp_path / "many", cells=12, per_record=4)
    return tmp_path / "many"


def ask(folder: Path, sql: str, said: list[str] | None = None) -> list[tuple[Any, ...]]:
    say = (lambda _: None) if said is None else said.append
    with store.fresh([folder], say, folder.parent / "cache") as index:
        return query.run(index, sql).rows


def counted(folder: Path) -> int:
    ((number,),) = ask(folder, "SELECT count(*) FROM results")
    return int(number)


def test_new_changed_and_gone_files(folder: Path) -> None:
    assert counted(folder) == 12

    many_records.write(folder, cells=4, per_record=4, first=3)
    assert counted(folder) == 16

    (folder / "000000.json").unlink()
    assert counted(folder) == 12

    text = (folder / "000001.json").read_text()
    (folder / "000001.json").write_text(text.replace('"made-01"', '"renamed"'))
    found = ask(folder, "SELECT DISTINCT device_id FROM results ORDER BY 1")
    assert found == [("made-02",), ("made-03",), ("renamed",)]


def test_a_change_that_keeps_size_and_time_is_seen_while_it_may_happen(folder: Path) -> None:
    path = folder / "000001.json"
    before = path.stat()
    assert counted(folder) == 12

    path.write_text(path.read_text().replace('"made-01"', '"mode-01"'))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert ("mode-01",) in ask(folder, "SELECT DISTINCT device_id FROM results")


def test_a_touched_file_is_hashed_and_not_read_again(folder: Path) -> None:
    first = ask(folder, "SELECT file_id FROM files ORDER BY path")
    for path in folder.iterdir():
        os.utime(path, (1, 1))

    assert ask(folder, "SELECT file_id FROM files ORDER BY path") == first
    assert ask(folder, "SELECT DISTINCT mtime_ns, settled FROM files") == [(10**9, True)]


def test_what_is_no_record_is_a_row_with_its_problem(folder: Path) -> None:
    (folder / "broken.json").write_text('{"schema_version": 1')
    (folder / "other.json").write_text("{}")
    record = json.loads((folder / "000001.json").read_text())
    record["cells"][0]["cell"]["threads"] += 1
    (folder / "lies.json").write_text(json.dumps(record))

    problems = dict(
        ask(folder, "SELECT parse_filename(path), problem FROM files WHERE problem IS NOT NULL")
    )

    assert set(problems) == {"broken.json", "other.json", "lies.json"}
    assert "contradicts itself: cells.0.cell.id" in problems["lies.json"]
    assert counted(folder) == 12


@pytest.mark.parametrize("damage", ["garbage", "truncated", "an older version"])
def test_a_damaged_index_is_made_anew(folder: Path, damage: str) -> None:
    assert counted(folder) == 12
    index = store.location([folder], folder.parent / "cache")
    if damage == "garbage":
        index.write_bytes(os.urandom(20_000))
    elif damage == "truncated":
        index.write_bytes(index.read_bytes()[:5000])
    else:
        with store.opened(index, read_only=False) as connection:
            connection.execute("UPDATE about SET identity = '0'")
    said: list[str] = []

    found = ask(folder, "SELECT count(*) FROM results", said)

    assert found == [(12,)]
    assert len(said) == (damage != "an older version")
    assert all("was damaged and is made anew" in line for line in said)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{\n "schema_version": 1,\n "record": "verdicts"\n}', "holds verdicts and no record"),
        (b'{\n "schema_version": 1,\n "record": "experiment"\n}', "is an experiment"),
        (gzip.compress(b"{}", mtime=0), "is compressed"),
    ],
)
def test_what_a_file_is_instead_of_a_record(folder: Path, content: bytes, said: str) -> None:
    path = folder / "other.json"
    path.write_bytes(content)

    ((problem,),) = ask(path, "SELECT problem FROM files")
    with pytest.raises(BadInput, match=said):
        records.read(path)

    assert problem.startswith(said)


def test_a_folder_where_the_index_should_be_is_a_sentence(folder: Path) -> None:
    store.location([folder], folder.parent).mkdir(parents=True)

    with (
        pytest.raises(CannotWrite, match="cannot be removed"),
        store.fresh([folder], lambda _: None, folder.parent),
    ):
        pass


def test_an_index_can_be_thrown_away(folder: Path) -> None:
    assert counted(folder) == 12
    store.remove(store.location([folder], folder.parent / "cache"))
    assert counted(folder) == 12


def test_no_speed_stands_where_none_may_be_shown(tmp_path: Path) -> None:
    def record(name: str, *, status: str = "passed", emulated: str | None = None) -> None:
        entry = CellResult(
            cell=cell(),
            verification=verification(status),
            launches=decode_launches(10.0, 10.1),
            emulated=emulated,
        )
        device = DEVICE.model_copy(update={"id": name, "emulated": emulated})
        path = tmp_path / "all" / f"{name}.json"
        files.write_atomic(path, files.to_json(result(entry, device=device)))

    record("right")
    record("wrong", status="failed")
    record("played", emulated="QEMU 10")

    columns = "device_id, decode_tok_s, decode_tok_s_low, step_p50_s, no_speed_because"
    shown = {row[0]: row[1:] for row in ask(tmp_path / "all", f"SELECT {columns} FROM results")}
    launches = ask(
        tmp_path / "all",
        "SELECT device_id, count(l.decode_tok_s), count(l.load_s) FROM launches l "
        "JOIN files USING (file_id) GROUP BY 1 ORDER BY 1",
    )

    assert shown["right"][0] == pytest.approx(1000 / 10.05, rel=1e-3)
    assert shown["right"][3] is None
    assert shown["wrong"][:3] == shown["played"][:3] == (None, None, None)
    assert "its output is wrong" in shown["wrong"][3]
    assert "emulator" in shown["played"][3]
    assert launches == [("played", 0, 0), ("right", 2, 2), ("wrong", 0, 0)]


def test_every_sample_comes_back_as_it_was() -> None:
    paths = [p for p in RESULTS.rglob("*.json") if not p.name.endswith(".experiment.json")]
    found = [each for path in paths for each in compare_reading.read_samples(path)]

    assert len(found) > 50
    assert [sample_text.load(sample_text.dump(each)) for each in found] == found


def comparisons(folder: Path, said: list[str]) -> Iterator[str]:
    given = [folder / "old", folder / "new"]
    yield comparison.to_json(compare([compare_reading.read_side(each) for each in given]))
    for _ in ("cold", "warm"):
        read = sides.read_sides(given, said.append, folder / "cache")
        yield comparison.to_json(compare(read))


def test_compare_gives_the_same_bytes_from_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sides, "INDEXED_FROM", 2)
    many_records.write(tmp_path / "old", cells=20, per_record=4)
    many_records.write(tmp_path / "new", cells=20, per_record=4)
    said: list[str] = []

    direct, cold, warm = comparisons(tmp_path, said)

    assert direct == cold == warm
    assert len(list((tmp_path / "cache" / "index").glob("*.duckdb"))) == 2
    assert said == []


def test_a_broken_record_is_the_same_error_from_the_index(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sides, "INDEXED_FROM", 2)
    (folder / "broken.json").write_text("{")

    with pytest.raises(BadInput) as direct:
        compare_reading.read_side(folder)
    with pytest.raises(BadInput) as indexed:
        sides.read_sides([folder], print, folder.parent / "cache")

    assert str(indexed.value) == str(direct.value)


def test_without_duckdb_compare_says_so_and_reads(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sides, "INDEXED_FROM", 2)
    monkeypatch.setitem(__import__("sys").modules, "duckdb", None)
    said: list[str] = []

    (side,) = sides.read_sides([folder], said.append, folder.parent / "cache")

    assert side.records == 3
    assert said == [
        f"{folder}: reading 3 records without an index; "
        "duckdb is not installed: pip install 'edgebench[report]'."
    ]
    with pytest.raises(NotUsableHere, match="DuckDB"), store.fresh([folder], print):
        pass


def test_a_cache_that_cannot_be_written_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sides, "INDEXED_FROM", 2)
    in_the_way = folder.parent / "file"
    in_the_way.write_text("")
    said: list[str] = []

    (side,) = sides.read_sides([folder], said.append, in_the_way)

    assert side.records == 3
    assert "without an index" in said[0]


def test_a_comparison_makes_no_index_that_costs_more_than_it_saves(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sides, "INDEXED_FROM", 2)
    monkeypatch.setattr(sides, "CHANGED_AT_MOST", 1)
    cache = folder.parent / "cache"
    index = store.location([folder], cache)

    for path in folder.iterdir():
        os.utime(path, (1, 1))
    direct = sides.read_sides([folder], print, cache)
    assert not index.exists()

    assert counted(folder) == 12
    monkeypatch.setattr(compare_reading, "read_samples", None)
    assert sides.read_sides([folder], print, cache) == direct
