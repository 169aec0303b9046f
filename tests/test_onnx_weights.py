"""Every weight of a GGUF file is equal in ONNX, whatever its blocks look like; or it is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

from edgebench.errors import BadModel
from edgebench.models import onnx_blocks
from edgebench.models.blocks import random_weights as random_blocks
from edgebench.models.gguf import read_header
from edgebench.models.onnx_blocks import LAYOUTS, Blocks
from edgebench.models.onnx_data import DataFile
from edgebench.models.onnx_weights import Weights
from tests.gguf_maker import raw_file, tensor

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
