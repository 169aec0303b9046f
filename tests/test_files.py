from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edgebench import files
from edgebench.analysis import records
from edgebench.errors import FREE_SPACE, BadInput, CannotWrite
from edgebench.schema import Strict
from edgebench.schema.result import Result

if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[[Path], object]


class Cache(Strict):
    level: int
    size_bytes: int


class Board(Strict):
    name: str
    caches: tuple[Cache, ...] = ()
    memory_bytes: float | None = None


GOOD = "name: x1\ncaches:\n  - level: 1\n    size_bytes: 32768\n"


def yaml_error(tmp_path: Path, text: str) -> str:
    path = tmp_path / "x1.yaml"
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        files.read_yaml(path, Board)
    return str(caught.value).removeprefix(str(tmp_path) + "/")


def json_error(tmp_path: Path, text: str) -> str:
    path = tmp_path / "x1.json"
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        files.read_json(path, Board)
    return str(caught.value).removeprefix(str(tmp_path) + "/")


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_good_file_becomes_a_frozen_document(tmp_path: Path) -> None:
    path = tmp_path / "x1.yaml"
    path.write_text(GOOD)
    board = files.read_yaml(path, Board)
    assert board == Board(name="x1", caches=(Cache(level=1, size_bytes=32768),))


def test_an_unknown_key_gets_its_line_and_the_closest_known_one(tmp_path: Path) -> None:
    said = yaml_error(tmp_path, GOOD.replace("size_bytes", "size_byte"))
    assert said == (
        "x1.yaml:4: caches.0.size_byte: unknown key; "
        "Did you mean 'size_bytes'? Known: level, size_bytes."
    )
    assert yaml_error(tmp_path, "name: x1\nmemory_byte: 1.0\n") == (
        "x1.yaml:2: memory_byte: unknown key; "
        "Did you mean 'memory_bytes'? Known: caches, memory_bytes, name."
    )


def test_a_wrong_type_gets_its_line(tmp_path: Path) -> None:
    said = yaml_error(tmp_path, GOOD.replace("32768", "32 KiB"))
    assert said == (
        "x1.yaml:4: caches.0.size_bytes: input should be a valid integer, not '32 KiB'."
    )


def test_a_duplicate_key_is_an_error_at_its_second_line(tmp_path: Path) -> None:
    assert yaml_error(tmp_path, "name: x1\nname: x2\n").startswith(
        "x1.yaml:2: duplicate key 'name', which stands in line 1: keep one of them."
    )
    nested = GOOD + "    level: 2\n"
    assert yaml_error(tmp_path, nested).startswith(
        "x1.yaml:5: duplicate key 'level', which stands in line 3"
    )


def test_anchors_and_aliases_are_errors(tmp_path: Path) -> None:
    bomb = "name: x1\ncaches: &all\n  - *all\n"
    assert yaml_error(tmp_path, bomb).startswith("x1.yaml:2: anchors and aliases are not allowed")
    assert yaml_error(tmp_path, "name: *x\n").startswith("x1.yaml:1: anchors and aliases")


@pytest.mark.parametrize(
    "text",
    [
        "name: !!python/object/apply:os.system [id]\n",
        "name: !board x1\n",
        "name: [unclosed\n",
        "? [a, list]\n: as a key\n",
        "2024-01-01: a date as a key\n",
        "name: !!int many\n",
        "name: x1\n---\nname: a second document\n",
        "name: \x01\n",
        "[" * 400,
        "",
        "just text",
    ],
)
def test_what_is_no_plain_document_is_a_sentence(tmp_path: Path, text: str) -> None:
    assert yaml_error(tmp_path, text).startswith("x1.yaml:")


def test_a_file_that_is_missing_or_not_text_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"No such file or directory\. Check the path\."):
        files.read_yaml(tmp_path / "gone.yaml", Board)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="not UTF-8 text"):
        files.read_yaml(tmp_path / "binary.yaml", Board)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name: x1\nmaker: Größe\n".encode("latin-1"), "2: not UTF-8 text. Save the file as"),
        ("name: x1\n".encode("utf-16"), "1: not UTF-8 text. Save the file as UTF-8."),
        (b"name: x1\n\nmaker: \x07\n", "3: the character U+0007 has no place in YAML. Take it out"),
    ],
)
def test_what_is_no_text_is_named_with_its_line(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x1.yaml").write_bytes(content)
    with pytest.raises(BadInput, match=f"x1.yaml:{re.escape(said)}"):
        files.read_yaml(tmp_path / "x1.yaml", Board)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_json_has_no_such_number(tmp_path: Path, number: str) -> None:
    said = json_error(tmp_path, f'{{"name": "x1", "memory_bytes": {number}}}')
    assert said == (
        f"x1.json: not valid JSON ({number} is not a JSON number; what was not measured is null)."
    )


def test_yaml_s_not_a_number_is_no_measurement_either(tmp_path: Path) -> None:
    assert "x1.yaml:2: memory_bytes" in yaml_error(tmp_path, "name: x1\nmemory_bytes: .nan\n")


def test_json_is_as_strict_about_keys(tmp_path: Path) -> None:
    assert "duplicate key 'name'" in json_error(tmp_path, '{"name": "x1", "name": "x2"}')
    assert "nam: unknown key" in json_error(tmp_path, '{"name": "x1", "nam": "x2"}')
    assert "not valid JSON" in json_error(tmp_path, '{"name": ')
    assert "not valid JSON" in json_error(tmp_path, "[" * 100_000)


def test_what_is_written_can_be_read_again(tmp_path: Path) -> None:
    board = Board(name="x1", memory_bytes=0.1 + 0.2)
    path = tmp_path / "deep" / "folder" / "x1.json"
    files.write_atomic(path, files.to_json(board))
    assert files.read_json(path, Board) == board
    assert names(path.parent) == ["x1.json"]


def test_a_failed_write_keeps_the_old_file_and_leaves_no_temporary_one(tmp_path: Path) -> None:
    path = tmp_path / "x1.json"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        files.write_atomic(path, "half of a character: \ud800")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["x1.json"]


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "folder" / "x1.json").mkdir(parents=True)
    with pytest.raises(CannotWrite, match="Choose another place with --output"):
        files.write_atomic(tmp_path / "folder" / "x1.json", "new")
    assert names(tmp_path / "folder") == ["x1.json"]
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match=r"could not be written: .*\. Choose another place"):
        files.write_atomic(tmp_path / "file" / "x1.json", "new")


def test_space_is_a_remedy_only_where_there_is_none() -> None:
    full, forbidden = OSError(errno.ENOSPC, "No space"), OSError(errno.EACCES, "Denied")
    remedy = f"{FREE_SPACE}choose another place."

    assert CannotWrite.of("x.", full, remedy).remedy == "Free some space, or choose another place."
    assert CannotWrite.of("x.", forbidden, remedy).remedy == "Choose another place."
    assert CannotWrite.of("x.", forbidden, "Ask root.").remedy == "Ask root."


def test_the_cache_is_where_the_user_says(tmp_path: Path) -> None:
    assert files.cache_dir({"EDGEBENCH_CACHE": str(tmp_path)}) == tmp_path
    assert files.cache_dir({"XDG_CACHE_HOME": "/xdg"}) == Path("/xdg/edgebench")
    relative = {"XDG_CACHE_HOME": "relative"}
    assert files.cache_dir(relative) == Path.home() / ".cache" / "edgebench"


@pytest.mark.parametrize("read", [lambda path: files.read_json(path, Result), records.read])
def test_a_pipe_or_a_device_is_refused_and_not_read(tmp_path: Path, read: Reader) -> None:
    """A device may never end; reading a pipe to look at its head would lose it."""
    os.mkfifo(tmp_path / "pipe.json")

    for path in (tmp_path / "pipe.json", Path("/dev/zero")):
        with pytest.raises(BadInput, match="is no regular file"):
            read(path)


def test_data_that_is_missing_from_an_installation_is_a_sentence() -> None:
    assert files.packaged("models.yaml").is_file()
    with pytest.raises(BadInput, match="Reinstall edgebench"):
        files.packaged("no-such-file.yaml")
