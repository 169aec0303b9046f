"""What may be read: hostile files, endless ones, SQL, pipes, and files of edgebench."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edgebench import files
from edgebench.analysis.interchange import foreign, reading
from edgebench.errors import BadInput, UnknownName
from tests.interchange.makers import DATA, NOW, written
from tests.results_maker import result

if TYPE_CHECKING:
    from tests.conftest import Edgebench

HOSTILE = {
    "truncated": ('[{"n_prompt": 512, "n_gen": 0, "avg_ns": 1', "no format"),
    "a list of numbers": ("[1, 2]", "no format"),
    "empty": ("", "no format"),
    "NaN": ('[{"n_prompt": 512, "n_gen": 0, "avg_ns": NaN}]', "not a JSON number"),
    "1e308": ('[{"n_prompt": 512, "n_gen": 0, "avg_ns": 1e308}]', "avg_ns: expected a number"),
    "text": ('[{"n_prompt": "many", "n_gen": 0, "avg_ns": 5}]', "n_prompt: expected a number"),
    "half a token": ('[{"n_prompt": 1.5, "n_gen": 0, "avg_ns": 5}]', "n_prompt: expected a count"),
    "too many": ('[{"n_prompt": 1e9, "n_gen": 0, "avg_ns": 5}]', "less than or equal to"),
    "negative": ('[{"n_prompt": 8, "n_gen": 0, "avg_ns": 5, "samples_ns": [-1]}]', "durations"),
    "nothing timed": ('[{"n_prompt": 8, "n_gen": 0, "avg_ns": 0}]', "nothing was timed"),
    "an object": ('[{"n_prompt": {}, "n_gen": 0, "avg_ns": 5}]', "n_prompt: expected a number"),
    "nested": ("[" * 5000, "no format"),
    "two formats": (
        '{"metadata": 1, "perfdata": {"results": []}, "runtime_info": 1, "system_info": 1,'
        ' "results": []}',
        "could be openvino-llm-bench-json, localscore-json",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_by_field(name: str, tmp_path: Path) -> None:
    text, expected = HOSTILE[name]

    with pytest.raises(BadInput, match=expected):
        reading.read(written(tmp_path, "hostile.json", text))


def test_a_refusal_is_one_line_and_leaves_nothing(edgebench: Edgebench, tmp_path: Path) -> None:
    text, expected = HOSTILE["1e308"]

    done = edgebench("import", written(tmp_path, "hostile.json", text), "-o", tmp_path / "out")

    assert done.returncode == 2
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_line_without_end_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "MAX_LINE_BYTES", 1000)
    with pytest.raises(BadInput, match="a line is longer"):
        reading.read(written(tmp_path, "long.json", "[" + " " * 2000 + "]"))


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as stream:
        stream.truncate(foreign.MAX_FILE_BYTES + 1)
    with pytest.raises(BadInput, match="larger than 64 MiB"):
        reading.read(path)


def test_a_csv_whose_rows_do_not_fit_its_header_is_refused() -> None:
    """llama-bench's own README shows one: 42 names, 41 values."""
    with pytest.raises(BadInput, match=r"llama-bench-readme\.csv:2: 41 fields, 42 were named"):
        reading.read(DATA / "llama-bench-readme.csv")


def test_sql_is_text(tmp_path: Path) -> None:
    sql = (
        "ATTACH 'evil.db'; DROP TABLE llama_bench; INSERT INTO llama_bench "
        "(model_type, n_prompt, n_gen, avg_ns) VALUES ('it''s; DELETE', '8', '0', '1000');"
    )
    (record,) = reading.records([reading.read(written(tmp_path, "a.sql", sql))], None, NOW)

    assert record.cells[0].model == "it's; DELETE"
    assert not (tmp_path / "evil.db").exists()


@pytest.mark.parametrize("values", ["'8', '0'", "'8', '0', '1', '2'", "'8', '0"])
def test_sql_that_ends_early_or_late_is_refused(values: str, tmp_path: Path) -> None:
    sql = f"INSERT INTO llama_bench (n_prompt, n_gen, avg_ns) VALUES ({values}"
    with pytest.raises(BadInput, match=r"values|columns"):
        reading.read(written(tmp_path, "a.sql", sql))


def test_what_comes_through_a_pipe_is_read_and_a_device_without_end_is_not(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = (DATA / "llama-bench.json").read_bytes()
    writer = threading.Thread(target=pipe.write_bytes, args=[content])
    writer.start()

    found = reading.read(pipe)
    writer.join()

    assert found.form == "llama-bench-json"
    with pytest.raises(BadInput, match="larger than"):
        reading.read(Path("/dev/zero"))


def test_a_folder_our_own_record_and_another_tools_file_are_told_apart(tmp_path: Path) -> None:
    ours = tmp_path / "ours.json"
    ours.write_text(files.to_json(result()))

    (tmp_path / "packed.json.gz").write_bytes(gzip.compress(ours.read_bytes()))
    with pytest.raises(BadInput, match="is compressed"):
        reading.read(tmp_path / "packed.json.gz")
    with pytest.raises(BadInput, match="is a folder"):
        reading.read(tmp_path)
    with pytest.raises(BadInput, match="is a file of edgebench already"):
        reading.read(ours)
    with pytest.raises(BadInput, match="does not look like a file of ollama-bench"):
        reading.read(DATA / "llama-bench.json", "ollama-bench")


def test_an_unknown_format_is_named() -> None:
    with pytest.raises(UnknownName, match=r"No format named 'lama-bench'.*'llama-bench'"):
        reading.read(DATA / "llama-bench-gpu.json", "lama-bench")
