from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from edgebench.errors import BadInput, CannotWrite, Interrupted, UnknownName
from edgebench.models import formats, made
from edgebench.models.gguf import read_header
from edgebench.models.llama import describe
from edgebench.models.progress import Silent
from edgebench.models.synthesize import (
    LARGEST_SEED,
    parse_seed,
    synthesize,
    synthetic_file,
    synthetic_path,
)
from edgebench.models.vocabulary import SMALLEST
from tests.synthetic import TINY, model, shaped

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.schema.model import Shape

LARGE = shaped(layers=8, hidden=1024, ffn=4096, vocabulary=32000)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix != ".lock"}


def in_a_child(program: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-c", CHILD + program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
    )


CHILD = """
import resource, sys, time
from pathlib import Path
from edgebench.errors import EdgebenchError
from edgebench.machine.counters import peak_rss_bytes
from edgebench.models.progress import Silent
from edgebench.models.synthesize import synthesize
from tests.synthetic import TINY
from tests.test_synthesize import LARGE

target = Path(sys.argv[1])

class Stalling(Silent):
    def advance(self, n):
        print("writing")
        time.sleep(30)
"""


def test_the_file_has_the_shape_the_types_and_a_tokenizer(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    synthesize(TINY, "q4_0", 7, path, Silent())
    found = describe(read_header(path))
    assert found.shape == TINY
    assert found.quant == "Q4_0"
    assert found.tensor_types == {"F32": 5, "Q4_0": 15, "Q6_K": 1}
    assert found.has_tokenizer


def test_file_and_sidecar_say_that_weights_are_synthetic_and_from_which_seed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "tiny.gguf"
    record = synthesize(TINY, "Q4_0", 7, path, Silent())
    assert record.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert made.made(path, record.sha256) == record
    assert made.made(path, "0" * 64) is None, "a sidecar speaks of its own file only"
    made.sidecar(path).unlink()
    assert made.origin(path, record.sha256) == made.Origin("synthetic", 7, ("Q4_0",))


def test_one_seed_gives_one_file_and_another_gives_another(tmp_path: Path) -> None:
    hashes = [
        synthesize(TINY, "Q4_K_M", seed, tmp_path / f"{n}.gguf", Silent()).sha256
        for n, seed in enumerate((1, 1, 2))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("quant", sorted(formats.BASE))
def test_every_format_is_written_whole(tmp_path: Path, quant: str) -> None:
    path = tmp_path / "tiny.gguf"
    synthesize(TINY, quant, 1, path, Silent())
    header = read_header(path)
    expected = {m.name: formats.matrix_type(m, TINY, quant) for m in formats.matrices(TINY)}
    assert {t.name: t.type_name for t in header.tensors if len(t.dims) > 1} == expected
    assert path.stat().st_size == max(t.offset + t.size_bytes for t in header.tensors)


def test_rows_that_do_not_divide_fall_back_and_the_name_and_a_warning_say_so(
    tmp_path: Path,
) -> None:
    shape = shaped(hidden=96, heads=3, kv_heads=1, tied_embeddings=True)
    found = synthetic_file("odd", model(shape), "Q4_K_M", 1, cache=tmp_path, progress=Silent())
    assert found.path.name == "odd-Q4_K_M-as-Q5_0-seed1-v1.gguf"
    assert found.warning is not None
    assert "Q4_K_M was asked for" in found.warning
    assert describe(read_header(found.path)).quant == "Q5_0"


def test_a_cached_twin_is_used_again_and_a_changed_one_is_made_anew(tmp_path: Path) -> None:
    def ask() -> made.Made:
        return synthetic_file("tiny", model(), None, 1, cache=tmp_path, progress=Silent())

    first = ask()
    assert first.path == tmp_path / "models" / "synthetic" / "tiny-Q4_0-seed1-v1.gguf"
    inode = first.path.stat().st_ino
    assert ask() == first
    assert first.path.stat().st_ino == inode
    first.path.write_bytes(first.path.read_bytes()[:-1] + b"\0")
    assert ask() == first
    assert hashlib.sha256(first.path.read_bytes()).hexdigest() == first.record.sha256


def test_a_vocabulary_without_room_for_bytes_has_no_tokenizer(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    synthesize(shaped(vocabulary=SMALLEST - 1), "Q4_0", 1, path, Silent())
    assert not describe(read_header(path)).has_tokenizer


def test_memory_does_not_grow_with_the_model(tmp_path: Path) -> None:
    program = "synthesize(LARGE, 'Q8_0', 1, target, Silent()); print(peak_rss_bytes())"
    with in_a_child(program, tmp_path / "large.gguf") as child:
        peak_rss_bytes = int(child.communicate(timeout=60)[0])
    assert (tmp_path / "large.gguf").stat().st_size > 180 << 20
    assert peak_rss_bytes < 120 << 20


def test_too_little_space_is_said_before_anything_is_written(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    with pytest.raises(CannotWrite, match=r"1,000 bytes are free; [\d,]{9} bytes are needed"):
        synthesize(TINY, "Q8_0", 1, path, Silent(), disk_free=lambda _: 1000)
    assert names(tmp_path) == set()


def test_a_disk_that_refuses_midway_leaves_nothing_behind(tmp_path: Path) -> None:
    program = """
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
try:
    synthesize(TINY, "Q8_0", 1, target, Silent())
except EdgebenchError as error:
    print(type(error).__name__, error)
"""
    with in_a_child(program, tmp_path / "tiny.gguf") as child:
        said = child.communicate(timeout=30)[0]
    assert said.startswith("CannotWrite")
    assert "File too large" in said
    assert names(tmp_path) == set()


def test_ctrl_c_is_a_sentence_and_leaves_nothing_behind(tmp_path: Path) -> None:
    program = """
try:
    synthesize(TINY, "Q4_0", 1, target, Stalling())
except EdgebenchError as error:
    print(type(error).__name__, error)
"""
    with in_a_child(program, tmp_path / "tiny.gguf") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "writing\n"
        assert names(tmp_path) == {"tiny.gguf.part"}
        os.kill(child.pid, signal.SIGINT)
        said = child.communicate(timeout=30)[0]
    assert said.startswith(f"{Interrupted.__name__} Interrupted while making tiny.gguf")
    assert names(tmp_path) == set()


def test_a_killed_synthesis_leaves_no_half_file_under_the_name(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    with in_a_child("synthesize(TINY, 'Q4_0', 1, target, Stalling())", path) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "writing\n"
        child.kill()
    assert names(tmp_path) == {"tiny.gguf.part"}
    synthesize(TINY, "Q4_0", 1, path, Silent())
    assert names(tmp_path) == {"tiny.gguf", "tiny.gguf.made.json", "tiny.gguf.verified.json"}


def test_two_processes_at_once_make_it_once(tmp_path: Path) -> None:
    program = """
from edgebench.models.synthesize import synthetic_file
from edgebench.report.download import Lines
from tests.synthetic import model

class Slow(Lines):
    def start(self, label, total_bytes, done):
        super().start(label, total_bytes, done)
        time.sleep(1)

print(synthetic_file("tiny", model(), "Q4_0", 1, cache=target, progress=Slow(sys.stdout)).path)
"""
    with in_a_child(program, tmp_path) as first, in_a_child(program, tmp_path) as second:
        said = [child.communicate(timeout=30)[0].splitlines() for child in (first, second)]
    assert said[0][-1] == said[1][-1]
    makers = [lines for lines in said if any(line.startswith("making") for line in lines)]
    assert len(makers) == 1


@pytest.mark.parametrize(
    ("shape", "quant", "said"),
    [
        (shaped(heads=7, kv_heads=1), "Q4_0", "7 heads cannot share 256 hidden dimensions"),
        (shaped(kv_heads=3), "Q4_0", "8 heads cannot share 3 key-value heads"),
        (shaped(hidden=264), "Q4_0", "Heads of 33 dimensions cannot be rotated in pairs"),
        (shaped(ffn=500), "Q8_0", "Rows of 500 weights cannot be cut into the blocks of 32"),
    ],
    ids=["heads", "kv_heads", "odd head", "rows"],
)
def test_an_impossible_shape_is_a_sentence_with_its_remedy(
    tmp_path: Path, shape: Shape, quant: str, said: str
) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        synthesize(shape, quant, 1, tmp_path / "tiny.gguf", Silent())
    assert caught.value.remedy.startswith("Choose")
    assert names(tmp_path) == set()


def test_rows_of_any_length_can_be_floats(tmp_path: Path) -> None:
    synthesize(shaped(ffn=500), "F16", 1, tmp_path / "tiny.gguf", Silent())
    assert describe(read_header(tmp_path / "tiny.gguf")).shape.ffn == 500


def test_an_unknown_format_is_named_with_the_closest_one() -> None:
    with pytest.raises(UnknownName, match=r"'Q4_KM'\. Did you mean 'Q4_K_M'\?"):
        formats.find_format("Q4_KM")


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "1e3", str(LARGEST_SEED + 1)])
def test_a_seed_that_is_no_number_is_a_sentence(text: str) -> None:
    with pytest.raises(BadInput, match=r"is not a seed\. Give a whole number from 0 to"):
        parse_seed("--seed", text)


def test_the_path_depends_on_everything_that_decides_the_bytes(tmp_path: Path) -> None:
    path = synthetic_path("tiny", TINY, "q4_k_m", 42, tmp_path)
    assert path == tmp_path / "models" / "synthetic" / "tiny-Q4_K_M-seed42-v1.gguf"


def test_a_sidecar_of_nonsense_is_no_record(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    record = synthesize(TINY, "Q4_0", 1, path, Silent())
    made.sidecar(path).write_text(json.dumps({"sha256": record.sha256, "made": "by hand"}))
    assert made.made(path, record.sha256) is None
