"""The graph that an export writes: its parts, what it says of itself, and what it refuses."""

from __future__ import annotations

import errno
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edgebench.errors import BadModel, CannotWrite
from edgebench.models import llama
from edgebench.models.gguf import read_header
from edgebench.models.onnx_check import check
from edgebench.models.onnx_data import DataFile
from edgebench.models.onnx_export import export
from edgebench.models.onnx_exported import describe
from tests.gguf_maker import Tiny, random_weights, write_llama
from tests.onnx_maker import as_others_make_it, graph_of, initializer, stored

if TYPE_CHECKING:
    from pathlib import Path


def test_a_tied_head_shares_the_bytes_of_the_embedding(tmp_path: Path) -> None:
    made = export(
        write_llama(tmp_path / "t.gguf", Tiny(tied=True), quant="Q8_0"),
        tmp_path / "out",
        activations="int8",
    )
    model = graph_of(made.path)
    both = [initializer(model, name) for name in ("token_embd", "token_embd.flat")]
    assert len({str(list(each.external_data)) for each in both}) == 1
    assert [tuple(each.dims) for each in both] == [(96, 2, 32), (96, 64)]


def test_query_key_and_value_are_one_product_where_they_have_one_type(tmp_path: Path) -> None:
    gguf = write_llama(tmp_path / "t.gguf", quant="Q8_0")
    operators = check(export(gguf, tmp_path / "out", activations="int8").path).operators
    per_layer = 4
    assert operators["MatMulNBits"] == 2 * per_layer + 1


def test_the_rotation_has_a_row_for_every_position(tmp_path: Path) -> None:
    weights = random_weights() | {"rope_freqs.weight": np.full(8, 2, dtype=np.float32)}
    gguf = write_llama(tmp_path / "t.gguf", weights=weights)
    path = export(gguf, tmp_path / "out", activations="fp32").path
    cos = stored(path, "cos")
    assert cos.shape == (64, 8)
    assert cos[3, 1] == np.float32(math.cos(3 * 10000 ** (-2 / 16) / 2))


def test_the_graph_says_where_it_comes_from(tmp_path: Path) -> None:
    gguf = write_llama(tmp_path / "t.gguf", quant="Q8_0")
    made = export(gguf, tmp_path / "out", activations="int8", sha256="ab" * 32)
    said = check(made.path).metadata
    assert made.weights_id == said["edgebench.gguf_sha256"] == "ab" * 32
    assert said["edgebench.activations"] == "int8"
    assert json.loads(said["edgebench.derived"]) == []


def test_a_graph_of_ours_is_described_like_the_gguf_file_it_came_from(tmp_path: Path) -> None:
    gguf = write_llama(tmp_path / "t.gguf", quant="Q8_0")
    made = export(gguf, tmp_path / "out", activations="int8")
    theirs, ours = llama.describe(read_header(gguf)), describe(check(made.path))
    assert ours.shape == theirs.shape.model_dump()
    assert (ours.quant, ours.tensor_types) == (theirs.quant, theirs.tensor_types)
    assert ours.exported == made
    assert (ours.layers, ours.kv_heads, ours.head_dim, ours.vocabulary) == (2, 2, 16, 96)


def test_a_graph_of_others_is_described_as_far_as_it_says(tmp_path: Path) -> None:
    gguf = write_llama(tmp_path / "t.gguf", quant="Q4_0")
    made = export(gguf, tmp_path / "out", activations="int8")
    found = describe(check(as_others_make_it(made.path, tmp_path / "theirs")))
    assert (found.quant, found.activations, found.exported, found.shape) == (
        "int4", "int8", None, None,
    )  # fmt: skip
    assert (found.layers, found.kv_heads, found.vocabulary) == (2, 2, 96)


def test_external_data_begins_on_pages(tmp_path: Path) -> None:
    path = export(write_llama(tmp_path / "t.gguf"), tmp_path / "out", activations="fp32").path
    places = {
        int(entry.value)
        for each in graph_of(path).graph.initializer
        for entry in each.external_data
        if entry.key == "offset"
    }
    assert len(places) > 10
    assert not any(place % 4096 for place in places)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"metadata": {"llama.rope.scaling.type": "yarn"}}, "'yarn'"),
        ({"shape": Tiny(heads=8)}, "heads of 8 dimensions"),
        ({"weights": random_weights() | {"blk.0.attn_q.bias": np.ones(64, np.float32)}}, "bias"),
    ],
)
def test_what_the_graph_would_leave_out_is_refused(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    gguf = write_llama(tmp_path / "tiny.gguf", **change)
    with pytest.raises(BadModel, match=said):
        export(gguf, tmp_path / "out", activations="int8")
    assert [p.name for p in tmp_path.iterdir()] == ["tiny.gguf"]


def test_a_disk_without_room_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    gguf = write_llama(tmp_path / "tiny.gguf")
    with pytest.raises(CannotWrite, match="bytes are needed"):
        export(gguf, tmp_path / "out", activations="int8", disk_free=lambda _: 1000)
    assert [p.name for p in tmp_path.iterdir()] == ["tiny.gguf"]


def test_a_disk_that_fills_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    gguf = write_llama(tmp_path / "tiny.gguf")
    monkeypatch.setattr(DataFile, "write", full)
    with pytest.raises(CannotWrite, match="No space left"):
        export(gguf, tmp_path / "out", activations="int8")
    assert [p.name for p in tmp_path.iterdir()] == ["tiny.gguf"]
