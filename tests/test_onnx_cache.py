"""An ONNX file is made once, in a process of its own, and never left half written."""

from __future__ import annotations

import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from edgebench.errors import BadModel, Interrupted, NotUsableHere
from edgebench.models import onnx_cache, onnx_export
from edgebench.models.gguf import read_header
from edgebench.models.onnx_cache import onnx_for
from edgebench.models.onnx_check import check
from edgebench.models.onnx_exported import EXPORTER_VERSION
from edgebench.models.progress import Silent
from tests.gguf_maker import write_llama

if TYPE_CHECKING:
    from pathlib import Path

SHA256 = "cd" * 32
ask = partial(onnx_for, sha256=SHA256, activations="int8", progress=Silent())


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    return write_llama(tmp_path / "tiny.gguf", quant="Q8_0")


def test_it_is_made_once_in_a_process_of_its_own(gguf: Path, tmp_path: Path) -> None:
    made = ask(gguf, cache=tmp_path)
    again = ask(gguf, cache=tmp_path, command=["false"])
    assert made == again
    assert made.weights_id == SHA256
    assert made.path.parent.name == f"{SHA256[:24]}-int8-v{EXPORTER_VERSION}"


def test_two_that_ask_at_once_make_it_once(
    gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    make = onnx_cache._make

    def counted(job: dict[str, Any], *others: Any) -> None:
        made.append(job["folder"])
        make(job, *others)

    monkeypatch.setattr(onnx_cache, "_make", counted)
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(partial(ask, cache=tmp_path), [gguf] * 2)
    assert one == other
    assert made == [str(one.path.parent)]


def test_ctrl_c_leaves_nothing_half_written(gguf: Path, tmp_path: Path) -> None:
    class Impatient(Silent):
        def advance(self, n: int) -> None:
            raise KeyboardInterrupt(n)

    with pytest.raises(Interrupted, match="nothing of it is left"):
        ask(gguf, cache=tmp_path, progress=Impatient())
    assert not any(path.is_dir() for path in (tmp_path / "onnx").iterdir())


def test_a_damaged_one_is_made_anew(gguf: Path, tmp_path: Path) -> None:
    made = ask(gguf, cache=tmp_path)
    made.path.with_name("model.onnx.data").write_bytes(b"cut")

    ask(gguf, cache=tmp_path)

    assert check(made.path).activations == "int8"


def test_the_process_own_refusal_is_ours(tmp_path: Path) -> None:
    gguf = write_llama(tmp_path / "tiny.gguf", metadata={"llama.rope.scaling.type": "yarn"})
    with pytest.raises(BadModel, match="yarn"):
        ask(gguf, cache=tmp_path)
    assert not onnx_cache.folder_of(SHA256, tmp_path, "int8").exists()


@pytest.mark.parametrize(
    ("program", "error", "said"),
    [
        ("raise ModuleNotFoundError(\"No module named 'onnx'\")", NotUsableHere, "needs onnx"),
        ("import os; os.abort()", BadModel, "failed"),
    ],
)
def test_a_process_that_dies_is_a_sentence(
    gguf: Path, tmp_path: Path, program: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        ask(gguf, cache=tmp_path, command=[sys.executable, "-c", program])


def test_the_job_on_standard_input_is_done(
    gguf: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    job = {"gguf": str(gguf), "folder": str(tmp_path / "out"), "activations": "fp32"}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(job)))

    assert onnx_export.main() == 0

    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    matrices = sum(t.size_bytes for t in read_header(gguf).tensors if len(t.dims) > 1)
    assert sum(e["size"] for e in events if e["event"] == "advance") == matrices
    assert events[-1] == {"event": "done", "path": str(tmp_path / "out" / "model.onnx")}
