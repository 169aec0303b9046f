"""Quantizing, with programs in llama.cpp's place; tests/real/test_quantize.py has the engine."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from edgebench.errors import BadInput, CannotWrite, NotUsableHere, UnknownName
from edgebench.models import made
from edgebench.models.gguf import read_header
from edgebench.models.llama import describe
from edgebench.models.progress import Silent
from edgebench.models.quantize import Source, quantize
from edgebench.models.synthesize import synthesize
from tests.gguf_maker import Tiny, write_llama
from tests.synthetic import TINY

if TYPE_CHECKING:
    from pathlib import Path

# What a worker reads, and a stand-in for the engine: the same shape from another seed.
READ = """
import json, os, pathlib, sys, time
task = json.load(sys.stdin)
target = pathlib.Path(task["target"])
def say(**event):
    print(json.dumps(event), flush=True)
"""
HONEST = """
from gguf.constants import LlamaFileType
from edgebench.models.gguf import read_header
from edgebench.models.llama import describe
from edgebench.models.progress import Silent
from edgebench.models.synthesize import synthesize
shape = describe(read_header(pathlib.Path(task["source"]))).shape
quant = LlamaFileType(task["file_type"]).name.removeprefix("MOSTLY_").removeprefix("ALL_")
say(event="tensor", done=1, of=2)
import tempfile
with tempfile.TemporaryDirectory(dir=target.parent.parent) as folder:
    made = pathlib.Path(folder) / "made.gguf"
    synthesize(shape, quant, 99, made, Silent())
    made.replace(target)
"""


def worker(program: str) -> tuple[str, ...]:
    return (sys.executable, "-c", READ + program)


def names(cache: Path) -> set[str]:
    folder = cache / "models" / "quantized"
    return {p.name for p in folder.iterdir() if p.suffixes[-1] != ".lock"}


@pytest.fixture
def source(tmp_path: Path) -> Source:
    path = tmp_path / "tiny.gguf"
    record = synthesize(TINY, "F16", 5, path, Silent())
    return Source("tiny", path, record.sha256)


def ask(source: Source, cache: Path, quant: str = "q4_k_m", program: str = HONEST) -> made.Made:
    return quantize(
        source,
        quant,
        cache=cache,
        progress=Silent(),
        allow_requantize=False,
        worker=worker(program),
    )


def test_the_result_is_named_checked_and_keeps_its_chain(source: Source, tmp_path: Path) -> None:
    found = ask(source, tmp_path)
    assert found.path.name == f"tiny-Q4_K_M-from-{source.sha256[:12]}.gguf"
    assert found.record.chain == ("F16", "Q4_K_M")
    assert found.record.from_sha256 == source.sha256
    assert found.record.sha256 == hashlib.sha256(found.path.read_bytes()).hexdigest()
    assert describe(read_header(found.path)).quant == "Q4_K_M"
    assert found.warning is None


def test_a_file_made_from_synthetic_weights_is_synthetic(source: Source, tmp_path: Path) -> None:
    found = ask(source, tmp_path)
    assert found.record.seed == 5, "the seed of the source, not of the file it went through"
    assert made.origin(found.path, found.record.sha256).weights == "synthetic"


def test_a_chain_grows_with_every_step(source: Source, tmp_path: Path) -> None:
    first = ask(source, tmp_path, "q8_0")
    second = quantize(
        Source("tiny", first.path, first.record.sha256),
        "q4_0",
        cache=tmp_path,
        progress=Silent(),
        allow_requantize=True,
        worker=worker(HONEST),
    )
    assert second.record.chain == ("F16", "Q8_0", "Q4_0")


def test_what_is_there_is_not_made_again(source: Source, tmp_path: Path) -> None:
    first = ask(source, tmp_path)
    assert ask(source, tmp_path, program="sys.exit('never started')") == first


def test_a_quantized_source_needs_the_flag(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "old.gguf", Tiny(), quant="Q8_0")
    with pytest.raises(BadInput, match=r"old.gguf is quantized already \(Q8_0\)") as caught:
        ask(Source("old", path, "0" * 64), tmp_path)
    assert "--allow-requantize" in caught.value.remedy


def test_an_unknown_format_is_named(source: Source, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"No weight format named 'q4_2'\. Did you mean"):
        ask(source, tmp_path, "q4_2")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("say(event='failed', message='requantizing is disabled')", "requantizing is disabled"),
        ("os.kill(os.getpid(), 11)", "it ended with status -11"),
        ("sys.exit('no such library')", "it ended with status 1 no such library"),
    ],
    ids=["refused", "crashed", "ended"],
)
def test_a_worker_that_fails_is_a_sentence_and_leaves_nothing(
    source: Source, tmp_path: Path, program: str, said: str
) -> None:
    with pytest.raises(NotUsableHere, match=f"could not be made Q4_K_M by llama.cpp: {said}"):
        ask(source, tmp_path, program=program)
    assert names(tmp_path) == set()


def test_a_file_cut_short_by_a_full_disk_is_never_kept(source: Source, tmp_path: Path) -> None:
    """Even if the engine should report success."""
    cut = HONEST + "os.truncate(target, target.stat().st_size // 2)"
    with pytest.raises(CannotWrite, match=r"the disk refused .*truncated.* bytes are needed"):
        ask(source, tmp_path, program=cut)
    assert names(tmp_path) == set()


def test_an_engine_that_could_not_write_is_a_matter_of_the_disk(
    source: Source, tmp_path: Path
) -> None:
    failing = "say(event='failed', message='basic_ios::clear: iostream error')"
    with pytest.raises(CannotWrite, match=r"the disk refused; [\d,]+ bytes are needed"):
        ask(source, tmp_path, program=failing)
    assert names(tmp_path) == set()


def test_other_types_than_the_rules_foretell_are_refused(source: Source, tmp_path: Path) -> None:
    other = HONEST.replace("shape, quant, 99", "shape, 'Q8_0', 99")
    with pytest.raises(NotUsableHere, match="its known rules make"):
        ask(source, tmp_path, program=other)
    assert names(tmp_path) == set()


def test_too_little_space_is_said_first(source: Source, tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="1,000 bytes are free"):
        quantize(
            source, "q8_0", cache=tmp_path, progress=Silent(), allow_requantize=False,
            disk_free=lambda _: 1000, worker=worker("sys.exit('never started')"),
        )  # fmt: skip


CHILD = """
import sys
from pathlib import Path
from edgebench.errors import EdgebenchError
from edgebench.models.quantize import Source
from tests import test_quantize
program = "target.write_bytes(b'half'); "
program += "open(%r, 'w').write(str(os.getpid())); time.sleep(60)" % sys.argv[4]
try:
    test_quantize.ask(Source("tiny", Path(sys.argv[1]), sys.argv[2]), Path(sys.argv[3]),
                      program=program)
except EdgebenchError as error:
    print(type(error).__name__, error)
"""


def test_ctrl_c_ends_the_worker_and_leaves_nothing(source: Source, tmp_path: Path) -> None:
    began = tmp_path / "began"
    os.mkfifo(began)
    arguments = (source.path, source.sha256, tmp_path, began)
    command = [sys.executable, "-c", CHILD, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        worker_pid = int(began.read_text())
        os.kill(child.pid, signal.SIGINT)
        said = child.communicate(timeout=30)[0]
    assert said.startswith("Interrupted Interrupted while making tiny-Q4_K_M-from-")
    assert names(tmp_path) == set()
    with pytest.raises(ProcessLookupError):
        os.kill(worker_pid, 0)
