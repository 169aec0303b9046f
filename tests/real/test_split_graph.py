"""A graph cut in two at a layer computes what the whole one does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgebench.backends import LoadOptions
from edgebench.backends.onnx_half import Half
from edgebench.backends.onnxruntime import OnnxRuntime
from edgebench.errors import BadModel
from edgebench.models.onnx_check import check
from edgebench.models.onnx_export import export
from edgebench.models.onnx_split import split
from edgebench.models.progress import Silent
from edgebench.models.synthesize import synthesize
from tests.synthetic import shaped

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real
LAYERS = 4
TOKENS = tuple(range(3, 20))


@pytest.fixture(scope="module", params=[True, False], ids=["tied", "apart"])
def graph(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graph")
    shape = shaped(layers=LAYERS, heads=4, kv_heads=2, tied_embeddings=request.param)
    synthesize(shape, "Q8_0", 1, folder / "tiny.gguf", Silent())
    return export(folder / "tiny.gguf", folder / "onnx", activations="fp32").path


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_both_halves_give_the_logits_of_the_whole(graph: Path, layer: int, tmp_path: Path) -> None:
    options = LoadOptions("mlas", 1, 32, activations="fp32")
    with OnnxRuntime().load(graph, options) as whole:
        expected = [np.array(whole.prefill(TOKENS[:9]))]
        expected += [np.array(whole.decode([token])[0]) for token in TOKENS[9:]]

    paths = split(graph, tmp_path, layer)
    facts = check(graph).metadata
    first, second = (
        Half(path, facts, options, span)
        for path, span in zip(paths, (range(layer), range(layer, LAYERS)), strict=True)
    )
    assert (first.is_first, second.is_first) == (True, False)
    ids = np.array(TOKENS, dtype=np.int64)
    found = [second(first(ids[:9], 0), 0)[0].copy()]
    for used in range(9, len(ids)):
        states = first(ids[used : used + 1], used)
        assert states.shape == (1, 256)
        found.append(second(states, used)[0].copy())
    assert np.allclose(np.stack(found), np.stack(expected), rtol=1e-4, atol=1e-4)


def test_the_halves_share_the_data_of_the_whole(graph: Path, tmp_path: Path) -> None:
    split(graph, tmp_path, 2)
    data = graph.parent / "model.onnx.data"
    assert (tmp_path / "model.onnx.data").read_bytes() == data.read_bytes()


@pytest.mark.parametrize("layer", [0, LAYERS])
def test_a_cut_that_leaves_one_half_empty_is_refused(
    graph: Path, layer: int, tmp_path: Path
) -> None:
    with pytest.raises(BadModel, match="cannot be cut"):
        split(graph, tmp_path, layer)
