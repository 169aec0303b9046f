"""Graphs that others made run as they are, and one that cannot is refused in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgebench.backends import EngineError
from edgebench.backends.onnxruntime import OnnxRuntime
from tests.answers import TOKENS, mean_kl, right
from tests.gguf_maker import half_weights, write_llama
from tests.onnx_engine import OPTIONS, logits, refusal
from tests.onnx_maker import as_others_make_it, averager, exported, graph_of, save

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_llama(tmp_path / "tiny.gguf", weights=half_weights(), quant="Q8_0")


def test_a_growing_cache_made_by_others_is_carried_along(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    table, places, head = (
        draw.normal(size=size).astype(np.float32) for size in ((96, 8), (32, 8), (8, 96))
    )
    path = averager(tmp_path / "m.onnx", table, places, head)

    x = table[TOKENS] + places[: len(TOKENS)]
    means = np.cumsum(x, axis=0) / np.arange(1, len(TOKENS) + 1)[:, None]
    assert np.allclose(logits(path), means @ head, atol=1e-5)
    assert np.allclose(logits(path, ubatch_tokens=4), means @ head, atol=1e-5)


def test_a_shared_cache_made_by_others_is_written_in_place(tiny: Path, tmp_path: Path) -> None:
    theirs = as_others_make_it(exported(tiny), tmp_path / "theirs")
    assert mean_kl(right(tiny), logits(theirs)) <= 1e-6
    with OnnxRuntime().load(theirs, OPTIONS) as session:
        first = session.prefill(TOKENS).copy()
        session.reset()
        assert np.array_equal(session.prefill(TOKENS), first)
        assert session.kv_cache_bytes == 2 * 2 * 2 * 32 * 16 * 4


def test_the_operators_of_others_say_what_activations_are(tiny: Path, tmp_path: Path) -> None:
    theirs = as_others_make_it(exported(tiny, "int8"), tmp_path / "theirs")
    with OnnxRuntime().load(theirs, OPTIONS) as session:
        assert "activations=int8" in session.dispatched().features


def test_logits_of_the_last_token_alone_are_enough_to_measure(tiny: Path, tmp_path: Path) -> None:
    theirs = as_others_make_it(exported(tiny), tmp_path / "theirs", last_only=True)
    with OnnxRuntime().load(theirs, OPTIONS) as session:
        assert np.allclose(session.prefill(TOKENS), right(tiny)[-1], atol=1e-4)
        session.reset()
        with pytest.raises(EngineError, match="last token only"):
            session.prefill(TOKENS, every=True)


@pytest.mark.parametrize("missing", ["input_ids", "attention_mask", "past_key_values.0.key"])
def test_an_input_that_is_missing_is_named(tmp_path: Path, missing: str) -> None:
    path = averager(tmp_path / "m.onnx", *(np.ones((8, 8), dtype=np.float32) for _ in range(3)))
    model = graph_of(path)
    for value in list(model.graph.input):
        if value.name == missing or missing[:4] == value.name[:4] == "past":
            value.name = f"renamed.{value.name}"
    for node in model.graph.node:
        for at, name in enumerate(node.input):
            if name == missing or missing[:4] == name[:4] == "past":
                node.input[at] = f"renamed.{name}"
    assert f"no input {missing!r}" in refusal(save(model, path))


def test_an_input_that_nobody_knows_is_named(tmp_path: Path) -> None:
    path = averager(tmp_path / "m.onnx", *(np.ones((8, 8), dtype=np.float32) for _ in range(3)))
    model = graph_of(path)
    extra = model.graph.input.add()
    extra.CopyFrom(model.graph.input[0])
    extra.name = "use_cache_branch"
    assert "'use_cache_branch'" in refusal(save(model, path))


def test_others_graphs_run_one_sequence(tmp_path: Path) -> None:
    path = averager(tmp_path / "m.onnx", *(np.ones((8, 8), dtype=np.float32) for _ in range(3)))
    assert "one sequence" in refusal(path, sequences=2)
