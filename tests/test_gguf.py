"""A sound header is read; every lie is one sentence that names the file."""

from __future__ import annotations

import struct
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgebench.errors import BadInput, BadModel
from edgebench.models.gguf import TensorInfo, read_header
from edgebench.models.gguf_bytes import Elided
from edgebench.models.llama import describe
from tests.gguf_maker import entry, raw_file, tensor, text, write_llama

if TYPE_CHECKING:
    from pathlib import Path


U32, F32, STRING, ARRAY, BOOL, U64 = 4, 6, 8, 9, 7, 10
HUGE = (1 << 64) - 1


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_llama(tmp_path_factory.mktemp("gguf") / "sound.gguf", quant="Q8_0")


def refusal(path: Path) -> str:
    with pytest.raises(BadModel) as caught:
        read_header(path)
    assert caught.value.problem.startswith(f"{path}: ")
    assert caught.value.problem.endswith(".")
    assert caught.value.remedy
    return caught.value.problem


def test_a_sound_file_is_read(sound: Path) -> None:
    header = read_header(sound)
    assert header.version == 3
    assert header.alignment == 32
    assert header.metadata["llama.block_count"] == 2
    assert header.file_bytes == sound.stat().st_size
    first = header.tensors[0]
    assert first == TensorInfo("token_embd.weight", (64, 96), "Q8_0", header.data_offset, 6528)


def test_version_2_is_read_too(tmp_path: Path) -> None:
    path = raw_file(tmp_path / "v2.gguf", version=2, tensors=[tensor("a", [8])], data=bytes(32))
    assert read_header(path).version == 2


def test_scalars_and_arrays_become_python_values(tmp_path: Path) -> None:
    entries = [
        entry("number", U32, struct.pack("<I", 7)),
        entry("truth", BOOL, b"\1"),
        entry("word", STRING, text("naïve")),
        entry("floats", ARRAY, struct.pack("<IQ2f", F32, 2, 0.5, -1)),
        entry("words", ARRAY, struct.pack("<IQ", STRING, 2) + text("a") + text("b")),
    ]
    found = read_header(raw_file(tmp_path / "m.gguf", entries=entries)).metadata
    assert found == {
        "number": 7, "truth": True, "word": "naïve", "floats": [0.5, -1.0], "words": ["a", "b"],
    }  # fmt: skip


def test_long_arrays_and_texts_are_kept_as_their_lengths(tmp_path: Path) -> None:
    entries = [
        entry("scores", ARRAY, struct.pack("<IQ", F32, 5000) + bytes(20000)),
        entry("tokens", ARRAY, struct.pack("<IQ", STRING, 3000) + text("tok") * 3000),
        entry("essay", STRING, text("x" * 100_000)),
        entry("last", BOOL, b"\0"),
    ]
    found = read_header(raw_file(tmp_path / "m.gguf", entries=entries)).metadata
    assert found == {
        "scores": Elided("FLOAT32", 5000),
        "tokens": Elided("STRING", 3000),
        "essay": Elided("STRING", 100_000),
        "last": False,
    }


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "it is empty"),
        (b"GG", "not a GGUF file"),
        (b"<!DOCTYPE html><html>Access denied</html>", "not a GGUF file"),
        (b"GGUF", "cut off at byte 4"),
        (b"GGUF\3\0\0\0\1", "cut off at byte 9"),
        (b"GGUF\0\0\0\3" + bytes(16), "big-endian"),
        (b"GGUF\1\0\0\0" + bytes(16), "version 1, where 2 and 3"),
        (b"GGUF\4\0\0\0" + bytes(16), "version 4, where 2 and 3"),
        (b"GGUF\0\0\0\0" + bytes(16), "version 0, where 2 and 3"),
    ],
)
def test_what_is_no_gguf_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    assert says in refusal(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "not a file" in refusal(tmp_path)


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        read_header(tmp_path / "none.gguf")


LYING_ENTRIES = [
    (entry("k", 13, b""), "value type 13"),
    (entry("k", BOOL, b"\2"), "truth value of 2"),
    (entry("k", STRING, struct.pack("<Q", HUGE)), "more than the rest of the file"),
    (entry("k", STRING, text(b"\xff\xfe")), "not UTF-8"),
    (struct.pack("<Q", 1 << 40), "bytes of a metadata key are announced"),
    (text("k" * 300) + bytes(8), "longer than 256"),
    (entry("k", ARRAY, struct.pack("<IQ", U64, HUGE)), "elements of 'k' are announced"),
    (entry("k", ARRAY, struct.pack("<IQ", STRING, 1 << 60)), "strings of 'k' are announced"),
    (entry("k", ARRAY, struct.pack("<IQ", 99, 1) + bytes(8)), "value type 99"),
    (entry("k", ARRAY, struct.pack("<IQIQIQ", ARRAY, 1, ARRAY, 1, ARRAY, 1)), "array of arrays"),
    (entry("k", BOOL, b"\1") * 2, "'k' occurs twice"),
    (entry("general.alignment", U32, struct.pack("<I", 48)), "not a power of two"),
    (entry("general.alignment", U32, bytes(4)), "not a power of two"),
    (entry("general.alignment", F32, struct.pack("<f", 32)), "not a power of two"),
    (entry("general.alignment", BOOL, b"\1"), "not a power of two"),
]


@pytest.mark.parametrize(("lie", "says"), LYING_ENTRIES)
def test_lies_in_the_metadata_are_refused(tmp_path: Path, lie: bytes, says: str) -> None:
    count = 2 if "twice" in says else 1
    path = raw_file(tmp_path / "x.gguf", entries=[lie], entry_count=count, data=bytes(64))
    assert says in refusal(path)


LYING_TENSORS = [
    ([tensor("a", [])], "0 dimensions"),
    ([tensor("a", [1, 1, 1, 1, 1])], "5 dimensions"),
    ([tensor("a", [0])], "impossible dimensions"),
    ([tensor("a", [1 << 32, 1 << 32])], "impossible dimensions"),
    ([tensor("a", [1 << 40])], "of a file of"),
    ([tensor("a", [17])], "ends at byte 132"),
    ([tensor("a", [8], kind=4)], "type 4, which is not known"),
    ([tensor("a", [8], kind=HUGE >> 32)], "not known"),
    ([tensor("a", [8], kind=2)], "no multiple of Q4_0's 32"),
    ([tensor("a", [8], offset=8)], "not aligned to 32"),
    ([tensor("a", [8], offset=HUGE - 31)], "of a file of"),
    ([tensor("a", [8]), tensor("b", [8])], "'a' and 'b' overlap"),
    ([tensor("a", [8]), tensor("a", [8], offset=32)], "'a' occurs twice"),
    ([tensor("a\x1b[31m" * 100, [8])], "longer than 256"),
]


@pytest.mark.parametrize(("lies", "says"), LYING_TENSORS)
def test_lies_about_tensors_are_refused(tmp_path: Path, lies: list[bytes], says: str) -> None:
    assert says in refusal(raw_file(tmp_path / "x.gguf", tensors=lies, data=bytes(64)))


@pytest.mark.parametrize("field", ["tensor_count", "entry_count"])
@pytest.mark.parametrize("count", [HUGE, 1 << 32, 1 << 17])
def test_huge_counts_are_refused_before_anything_is_read(
    tmp_path: Path, field: str, count: int
) -> None:
    counts: dict[str, Any] = {field: count}
    path = raw_file(tmp_path / "x.gguf", data=bytes(8 << 20), **counts)
    assert "are announced, more than" in refusal(path)


def test_a_header_that_never_ends_is_refused(tmp_path: Path) -> None:
    """A sparse file of a terabyte: its array of bytes would fit, but no header is so large."""
    body = struct.pack("<IQ", 0, 1 << 39)
    path = raw_file(tmp_path / "x.gguf", entries=[entry("k", ARRAY, body)])
    with path.open("r+b") as stream:
        stream.truncate(1 << 40)
    assert "larger than 64 MiB" in refusal(path)


def test_names_cannot_colour_the_terminal(tmp_path: Path) -> None:
    path = raw_file(tmp_path / "x.gguf", tensors=[tensor("\x1b[31mred", [0])])
    assert "\x1b" not in refusal(path)


@settings(deadline=None)  # the machine that tests run on may be busy
@given(data=st.data())
def test_damage_is_read_or_refused_and_never_costs_memory(sound: Path, data: st.DataObject) -> None:
    """Bytes overwritten, then cut: a header, or BadModel, within 4 MiB."""
    raw = bytearray(sound.read_bytes())
    header_bytes = read_header(sound).data_offset
    describe(read_header(sound))  # what is imported on the first call is not the reader's memory
    for at in data.draw(st.lists(st.integers(0, header_bytes - 1), max_size=8)):
        raw[at] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, header_bytes) | st.just(len(raw)))
    damaged = sound.with_name("damaged.gguf")
    damaged.write_bytes(raw[:end])
    tracemalloc.start()
    try:
        answer: object = describe(read_header(damaged)).shape
    except BadModel as error:
        answer = error.problem
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer
    assert peak < 4 << 20


def test_every_truncation_inside_the_header_is_refused(sound: Path, tmp_path: Path) -> None:
    raw = sound.read_bytes()
    for end in range(0, read_header(sound).data_offset, 7):
        path = tmp_path / "cut.gguf"
        path.write_bytes(raw[:end])
        assert refusal(path)


def test_truncated_weights_are_refused(sound: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(sound.read_bytes()[:-1])
    assert "'output_norm.weight' ends at byte" in refusal(path)
