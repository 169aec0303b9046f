"""The ONNX file holds the GGUF file's weights: every one equal, whatever its blocks look like."""

from __future__ import annotations

import errno
import json
import math
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

from edgebench.errors import BadModel, CannotWrite, Interrupted, NotUsableHere
from edgebench.models import llama, onnx_blocks, onnx_cache, onnx_export
from edgebench.models.blocks import random_weights as random_blocks
from edgebench.models.gguf import read_header
from edgebench.models.onnx_blocks import LAYOUTS, Blocks
from edgebench.models.onnx_cache import onnx_for
from edgebench.models.onnx_check import check
from edgebench.models.onnx_data import DataFile
from edgebench.models.onnx_export import export
from edgebench.models.onnx_exported import EXPORTER_VERSION, describe
from edgebench.models.onnx_weights import Weights
from edgebench.models.progress import Silent
from tests.gguf_maker import Tiny, random_weights, raw_file, tensor, write_llama
from tests.onnx_maker import as_others_make_it, graph_of, initializer, stored

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def gguf_of(folder: Path, type_name: str, raw: NDArray[np.uint8], columns: int) -> Path:
    """A GGUF file with one matrix `w` of these bytes."""
    kind = GGMLQuantizationType[type_name].value
    described = [tensor("w", [columns, len(raw)], kind)]
    return raw_file(folder / "one.gguf", tensors=described, data=raw.tobytes())


def restored(folder: Path, gguf: Path, *, half: bool = False, derived: bool = False) -> Any:
    """The matrix `w` as the operators will see it, read back from the file of external data."""
    float_type = np.float16 if half else np.float32
    with DataFile(folder / "data") as data:
        weights = Weights(
            read_header(gguf), data, float_type=float_type, allow_derived=derived,
            advance=lambda _: None,
        )  # fmt: skip
        found = weights.store("w", ["w"])
    raw = (folder / "data").read_bytes()

    def region(of: Any) -> Any:
        return np.frombuffer(raw[of.offset : of.offset + of.length], of.dtype).reshape(of.shape)

    if found.layout is None:
        return region(found.data).astype(np.float32), weights.derived
    offsets = region(found.offsets).T if found.offsets else None
    blocks = Blocks(region(found.data), region(found.scales), offsets)
    return onnx_blocks.restore(blocks, found.layout.bits), weights.derived


@pytest.mark.parametrize("type_name", [*LAYOUTS, "F16", "BF16", "F32"])
@pytest.mark.parametrize("bits", ["sound", "any"])
def test_every_weight_is_equal_after_dequantization(
    tmp_path: Path, type_name: str, bits: str
) -> None:
    """`any`: random bytes, so that scales are huge, tiny, negative, infinite or no numbers."""
    block, block_bytes = GGML_QUANT_SIZES[GGMLQuantizationType[type_name]]
    row_bytes = 1024 // block * block_bytes
    if bits == "sound":
        raw = np.concatenate(list(random_blocks(type_name, 48 * 1024, 0.1, (5, 1))))
    else:
        raw = np.random.default_rng(1).integers(0, 256, 48 * row_bytes, dtype=np.uint8)
    raw = raw.reshape(48, row_bytes)

    found, derived = restored(tmp_path, gguf_of(tmp_path, type_name, raw, 1024))

    with np.errstate(all="ignore"):
        wanted = dequantize(raw, GGMLQuantizationType[type_name])
    assert np.array_equal(found, wanted, equal_nan=True)
    assert derived == []


@pytest.mark.parametrize("type_name", ["Q4_1", "Q4_K", "Q5_1", "Q5_K", "Q2_K"])
def test_an_offset_that_cannot_hold_the_centre_keeps_its_own_value(type_name: str) -> None:
    """m + 8 d rounds in float32 when m is tiny beside d: then the centre stays out of it."""
    block, block_bytes = GGML_QUANT_SIZES[GGMLQuantizationType[type_name]]
    (raw,) = random_blocks(type_name, block, 0.1, (5, 1))
    raw = raw.reshape(1, block_bytes).copy()
    at = 80 if type_name == "Q2_K" else 0
    raw[:, at : at + 4] = np.array([1000, 2.0**-24], dtype=np.float16).view(np.uint8)

    layout = onnx_blocks.layout_of(type_name, [raw])

    assert layout.centre == 0
    found = onnx_blocks.restore(onnx_blocks.repack(type_name, raw, layout), layout.bits)
    assert np.array_equal(found, dequantize(raw, GGMLQuantizationType[type_name]))


def test_a_type_without_counterpart_is_refused_and_the_others_are_named(tmp_path: Path) -> None:
    raw = np.zeros((4, 66), dtype=np.uint8)
    gguf = gguf_of(tmp_path, "IQ2_XXS", raw, 256)

    with pytest.raises(BadModel) as caught:
        restored(tmp_path, gguf)

    assert "IQ2_XXS" in caught.value.problem
    assert all(name in caught.value.remedy for name in ("Q4_0", "Q8_0", "F16"))


def test_when_asked_it_is_converted_to_eight_bits_and_named(tmp_path: Path) -> None:
    raw = np.random.default_rng(2).integers(0, 256, (4, 66), dtype=np.uint8)
    raw[:, :2] = np.array([0.01], dtype=np.float16).view(np.uint8)
    gguf = gguf_of(tmp_path, "IQ2_XXS", raw, 256)

    found, derived = restored(tmp_path, gguf, derived=True)

    wanted = dequantize(raw, GGMLQuantizationType.IQ2_XXS)
    assert derived == ["w"]
    assert not np.array_equal(found, wanted)
    assert np.abs(found - wanted).max() <= np.abs(wanted).max() / 100


@pytest.mark.parametrize(("type_name", "exact"), [("Q4_1", True), ("Q8_0", True), ("Q6_K", False)])
def test_half_precision_scales_are_exact_or_said_not_to_be(
    tmp_path: Path, type_name: str, exact: bool
) -> None:
    block, block_bytes = GGML_QUANT_SIZES[GGMLQuantizationType[type_name]]
    raw = np.concatenate(list(random_blocks(type_name, 8 * 256, 0.1, (5, 1))))
    gguf = gguf_of(tmp_path, type_name, raw.reshape(8, 256 // block * block_bytes), 256)

    _, derived = restored(tmp_path, gguf, half=True, derived=True)

    assert derived == ([] if exact else ["w"])


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


def test_it_is_made_once_in_a_process_of_its_own(tmp_path: Path) -> None:
    gguf = write_llama(tmp_path / "tiny.gguf", quant="Q8_0")
    made = onnx_for(gguf, "cd" * 32, cache=tmp_path, activations="int8", progress=Silent())
    again = onnx_for(
        gguf, "cd" * 32, cache=tmp_path, activations="int8", progress=Silent(), command=["false"]
    )
    assert made == again
    assert made.weights_id == "cd" * 32
    assert made.path.parent.name == f"{'cd' * 12}-int8-v{EXPORTER_VERSION}"


def test_two_that_ask_at_once_make_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    make = onnx_cache._make

    def counted(job: dict[str, Any], *others: Any) -> None:
        made.append(job["folder"])
        make(job, *others)

    monkeypatch.setattr(onnx_cache, "_make", counted)
    gguf = write_llama(tmp_path / "tiny.gguf", quant="Q8_0")
    ask = partial(onnx_for, cache=tmp_path, activations="int8", progress=Silent())
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(ask, [gguf] * 2, ["cd" * 32] * 2)
    assert one == other
    assert made == [str(one.path.parent)]


def test_ctrl_c_leaves_nothing_half_written(tmp_path: Path) -> None:
    class Impatient(Silent):
        def advance(self, n: int) -> None:
            raise KeyboardInterrupt(n)

    gguf = write_llama(tmp_path / "tiny.gguf", quant="Q8_0")
    with pytest.raises(Interrupted, match="nothing of it is left"):
        onnx_for(gguf, "cd" * 32, cache=tmp_path, activations="int8", progress=Impatient())
    assert not any(path.is_dir() for path in (tmp_path / "onnx").iterdir())


def test_a_damaged_one_is_made_anew(tmp_path: Path) -> None:
    gguf = write_llama(tmp_path / "tiny.gguf", quant="Q8_0")
    made = onnx_for(gguf, "cd" * 32, cache=tmp_path, activations="int8", progress=Silent())
    made.path.with_name("model.onnx.data").write_bytes(b"cut")

    onnx_for(gguf, "cd" * 32, cache=tmp_path, activations="int8", progress=Silent())

    assert check(made.path).activations == "int8"


def test_the_process_own_refusal_is_ours(tmp_path: Path) -> None:
    gguf = write_llama(tmp_path / "tiny.gguf", metadata={"llama.rope.scaling.type": "yarn"})
    with pytest.raises(BadModel, match="yarn"):
        onnx_for(gguf, "cd" * 32, cache=tmp_path, activations="int8", progress=Silent())
    assert not onnx_cache.folder_of("cd" * 32, tmp_path, "int8").exists()


@pytest.mark.parametrize(
    ("program", "error", "said"),
    [
        ("raise ModuleNotFoundError(\"No module named 'onnx'\")", NotUsableHere, "needs onnx"),
        ("import os; os.abort()", BadModel, "failed"),
    ],
)
def test_a_process_that_dies_is_a_sentence(
    tmp_path: Path, program: str, error: type[Exception], said: str
) -> None:
    gguf = write_llama(tmp_path / "tiny.gguf")
    with pytest.raises(error, match=said):
        onnx_for(
            gguf, "cd" * 32, cache=tmp_path, activations="int8", progress=Silent(),
            command=[sys.executable, "-c", program],
        )  # fmt: skip


def test_the_job_on_standard_input_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import io

    gguf = write_llama(tmp_path / "tiny.gguf")
    job = {"gguf": str(gguf), "folder": str(tmp_path / "out"), "activations": "fp32"}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(job)))

    assert onnx_export.main() == 0

    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    matrices = sum(t.size_bytes for t in read_header(gguf).tensors if len(t.dims) > 1)
    assert sum(e["size"] for e in events if e["event"] == "advance") == matrices
    assert events[-1] == {"event": "done", "path": str(tmp_path / "out" / "model.onnx")}
