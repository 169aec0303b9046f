"""NumPy's BLAS is held to its threads, and what cannot be held is said to be."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgebench.backends import LoadOptions
from edgebench.backends.reference import Reference
from edgebench.backends.reference_blas import Blas, hold_threads
from tests.gguf_maker import write_llama

if TYPE_CHECKING:
    from pathlib import Path

LINE = "7f00-7f10 r-xp 00000000 fe:00 1  /site/numpy.libs/libscipy_openblas64_-32a4b2a6.so\n"


def maps(folder: Path, text: str) -> Path:
    path = folder / "maps"
    path.write_text(text)
    return path


def library(prefix: str, suffix: str) -> Any:
    held = [8]

    def corename() -> bytes:
        return b"SkylakeX"

    functions = {
        "set_num_threads": lambda n: held.__setitem__(0, n),
        "get_num_threads": lambda: held[0],
        "get_corename": corename,
    }
    return SimpleNamespace(**{f"{prefix}{name}{suffix}": call for name, call in functions.items()})


@pytest.mark.parametrize(("prefix", "suffix"), [("scipy_openblas_", "64_"), ("openblas_", "")])
def test_threads_are_set_and_read_back(tmp_path: Path, prefix: str, suffix: str) -> None:
    found = hold_threads(3, maps(tmp_path, LINE), lambda _path: library(prefix, suffix))
    assert found == Blas(
        "/site/numpy.libs/libscipy_openblas64_-32a4b2a6.so",
        ("blas=openblas", "core=SkylakeX", "threads=3"),
    )


def test_threads_that_the_blas_did_not_take_are_not_claimed(tmp_path: Path) -> None:
    capped = library("openblas_", "")
    capped.openblas_set_num_threads = lambda _threads: None
    found = hold_threads(64, maps(tmp_path, LINE), lambda _path: capped)
    assert "threads=8" in found.features


def test_a_session_holds_the_threads_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever BLAS is here: scipy, where it is imported, brings another one."""

    def held(threads: int) -> Blas:
        return Blas("", (f"threads={threads}",))

    monkeypatch.setattr("edgebench.backends.reference.hold_threads", held)
    options = LoadOptions("numpy", threads=3, context_tokens=32)
    with Reference().load(write_llama(tmp_path / "m.gguf"), options) as session:
        assert "threads=3" in session.dispatched().features


def test_another_blas_is_said_not_to_be_held(tmp_path: Path) -> None:
    found = hold_threads(3, maps(tmp_path, LINE.replace("openblas", "mkl_rt")))
    assert found == Blas("", ("blas=unknown", "threads=not_held"))
    assert hold_threads(3, tmp_path / "missing") == found


def test_an_openblas_without_the_functions_is_said_not_to_be_held(tmp_path: Path) -> None:
    found = hold_threads(3, maps(tmp_path, LINE), lambda _path: SimpleNamespace())
    assert found.features == ("blas=openblas", "threads=not_held")


@pytest.mark.parametrize("load_mode", ["mmap", "read"])
def test_resident_weights_give_what_mapped_ones_give(tmp_path: Path, load_mode: str) -> None:
    path = write_llama(tmp_path / "m.gguf", quant="Q4_0")
    options = LoadOptions("numpy", threads=1, context_tokens=32)
    with Reference().load(path, options) as session:
        expected = session.prefill([3, 1, 4], every=True)
    with Reference().load(path, options._replace(load_mode=load_mode)) as session:
        np.testing.assert_allclose(session.prefill([3, 1, 4], every=True), expected, atol=1e-4)
        weights = {"mmap": "mapped", "read": "resident"}[load_mode]
        assert f"weights={weights}" in session.dispatched().features
