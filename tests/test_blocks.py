"""Random weights are what a network can bear, and the same everywhere."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from gguf.constants import GGMLQuantizationType
from gguf.quants import dequantize

from edgebench.models.blocks import LAYOUTS, random_weights

TYPES = sorted({*LAYOUTS, "F16", "BF16", "F32"})
COUNT = 256 * 2048
FLOATS = {"F16": "<f2", "F32": "<f4"}


def drawn(type_name: str, deviation: float = 0.0095, seed: tuple[int, int] = (1, 2)) -> bytes:
    return b"".join(w.tobytes() for w in random_weights(type_name, COUNT, deviation, seed))


def values(type_name: str, raw: bytes) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    kind = GGMLQuantizationType[type_name]
    stored = np.frombuffer(raw, FLOATS.get(type_name, "u1")).reshape(1, -1)
    return dequantize(stored, kind).reshape(-1).astype(np.float64)


@pytest.mark.parametrize("type_name", TYPES)
def test_weights_have_mean_zero_and_the_deviation_that_was_asked_for(type_name: str) -> None:
    found = values(type_name, drawn(type_name))
    assert found.size == COUNT
    assert np.isfinite(found).all()
    assert abs(found.mean()) < 5 * 0.0095 / COUNT**0.5 * 4, "four standard errors, and blocks"
    assert found.std() == pytest.approx(0.0095, rel=0.02)
    assert np.abs(found).max() < 5 * 0.0095


@pytest.mark.parametrize("type_name", sorted(LAYOUTS))
def test_no_block_scale_is_subnormal_or_zero_even_for_the_widest_matrices(type_name: str) -> None:
    """0.009 is less than 1/sqrt(8192), where the widest matrices of 70B networks are."""
    layout = LAYOUTS[type_name]
    block = len(drawn(type_name)) * 256 // COUNT
    weights = 256 if layout.sub_scales else 32
    size = block * weights // 256
    blocks = np.frombuffer(drawn(type_name, deviation=0.009), np.uint8).reshape(-1, size)
    for at in (layout.scale_at, layout.minimum_at):
        if at is not None:
            scales = np.abs(blocks[:, at : at + 2].copy().view("<f2"))
            assert scales.min() >= np.finfo(np.float16).smallest_normal


def test_half_precision_weights_are_not_subnormal() -> None:
    assert np.abs(values("F16", drawn("F16", deviation=0.002))).min() >= 2**-14


def test_a_quantizer_never_makes_minus_128_and_neither_do_we() -> None:
    quants = np.frombuffer(drawn("Q8_0"), np.int8).reshape(-1, 34)[:, 2:]
    assert (quants.min(), quants.max()) == (-127, 127)


def test_one_seed_gives_the_same_bytes_and_another_gives_others() -> None:
    assert drawn("Q4_0") == drawn("Q4_0")
    assert drawn("Q4_0") != drawn("Q4_0", seed=(1, 3))
    assert drawn("Q4_0") != drawn("Q4_0", seed=(2, 2))


def test_these_very_bytes_belong_to_generator_version_1() -> None:
    """Other bytes from the same seed call for another GENERATOR_VERSION, and for this hash."""
    everything = b"".join(drawn(type_name) for type_name in TYPES)
    assert hashlib.sha256(everything).hexdigest() == (
        "c65d2a54f60a486f0f44236e3b27d2756d72ecede8cc68334c4a01d930270bff"
    )
