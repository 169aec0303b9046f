"""Random weights in every tensor type: random bits, under scales that make them well-behaved.

Bits come from `SFC64.random_raw`: NumPy promises a bit generator's raw stream for ever, and does
not promise that of `Generator.normal` (NEP 19). Only integers, exactly rounded sums and products
are used on them, so that one seed gives the same bytes on every machine.

A weight has mean 0 and a standard deviation that the caller chooses. The mean matters: quants are
not symmetric (Q4_0 has -8 to 7), and a constant left over in every weight would be amplified by
every matrix. So scales have random signs, or the block's minimum cancels the mean. Nothing is
NaN, infinite or subnormal, as long as the deviation is 0.009 or more.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from edgebench.models.formats import block_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    Bytes: TypeAlias = NDArray[np.uint8]

CHUNK_BYTES = 4 << 20
CHOICES = 256
SCALES = 65536
# Sub-block scales are small whole numbers, so that the 16-bit scale above them does not become
# subnormal.
SUB_SCALES = np.arange(4, 8)
LEAST_F16 = 2.0**-14
IQ4_NL_VALUES = (-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113)


class Stamp(NamedTuple):
    """Bytes at `offset` of every block, one row of `choices` for each.

    `choices` are uint8[256, width], chosen by the random byte that stands there, or
    uint8[65536, width], chosen by two.
    """

    offset: int
    choices: Bytes


class Layout(NamedTuple):
    """Where a block has its scales (ggml-common.h of llama.cpp), and the values of its quants.

    `values` are what a quant can stand for under a scale of 1; with `minimum_at` the block
    subtracts their mean. `sub_scales` names how scales of parts of the block are packed.
    """

    values: tuple[int, ...]
    scale_at: int
    minimum_at: int | None = None
    minimum_sign: int = 1
    sub_scales: str | None = None
    sub_scales_at: int = 0


LAYOUTS = {
    "Q4_0": Layout(tuple(range(-8, 8)), 0),
    "Q5_0": Layout(tuple(range(-16, 16)), 0),
    "Q8_0": Layout(tuple(range(-127, 128)), 0),
    "IQ4_NL": Layout(IQ4_NL_VALUES, 0),
    "Q4_1": Layout(tuple(range(16)), 0, 2),
    "Q5_1": Layout(tuple(range(32)), 0, 2),
    "Q2_K": Layout(tuple(range(4)), 80, 82, -1, "nibbles", 0),
    "Q3_K": Layout(tuple(range(-4, 4)), 108, None, 1, "six bits, signed", 96),
    "Q4_K": Layout(tuple(range(16)), 0, 2, -1, "six bits", 4),
    "Q5_K": Layout(tuple(range(32)), 0, 2, -1, "six bits", 4),
    "Q6_K": Layout(tuple(range(-32, 32)), 208, None, 1, "bytes, signed", 192),
}


def random_weights(
    type_name: str, count: int, deviation: float, seed: tuple[int, int]
) -> Iterator[Bytes]:
    """`count` weights of that type as bytes, a few MiB at a time, from SFC64(SeedSequence(seed)).

    `count` is a whole number of blocks.
    """
    stream = np.random.SFC64(np.random.SeedSequence(seed))
    weights, size_bytes = block_of(type_name)
    blocks = count // weights
    step = max(1, CHUNK_BYTES // (size_bytes if type_name in LAYOUTS else 8))
    for start in range(0, blocks, step):
        piece = min(step, blocks - start)
        if type_name in LAYOUTS:
            yield _quantized(stream, type_name, piece, deviation)
        else:
            yield _floats(stream, type_name, piece, deviation)


def bell(raw: NDArray[np.uint64]) -> NDArray[np.float32]:
    """One number for each 64 random bits: mean 0, deviation 1, bell-shaped within +-3.5.

    The sum of four uniform 16-bit numbers (Irwin-Hall distribution), exact on every machine.
    """
    parts = raw.astype("<u8", copy=False).view("<u2").reshape(-1, 4).astype(np.int32)
    total = parts[:, 0] + parts[:, 1] + parts[:, 2] + parts[:, 3] - 2 * 0xFFFF
    deviation = math.sqrt(4 * (2.0**32 - 1) / 12)
    return np.asarray(total.astype(np.float32) * np.float32(1 / deviation))


def _floats(stream: np.random.SFC64, type_name: str, count: int, deviation: float) -> Bytes:
    values = bell(_raw(stream, count)) * np.float32(deviation)
    if type_name == "F16":
        sized = np.maximum(np.abs(values), np.float32(LEAST_F16))
        return np.asarray(np.copysign(sized, values).astype("<f2").view(np.uint8))
    if type_name == "BF16":
        return np.asarray(((values.view(np.uint32) + 0x8000) >> 16).astype("<u2").view(np.uint8))
    return np.asarray(values.astype("<f4").view(np.uint8))


def _quantized(stream: np.random.SFC64, type_name: str, count: int, deviation: float) -> Bytes:
    size_bytes = block_of(type_name)[1]
    raw = _raw(stream, -(-count * size_bytes // 8)).astype("<u8", copy=False).view(np.uint8)
    blocks = raw[: count * size_bytes].reshape(count, size_bytes)
    for offset, choices in _stamps(type_name, deviation):
        chosen = blocks[:, offset].astype(np.int64)
        if len(choices) == SCALES:
            chosen |= blocks[:, offset + 1].astype(np.int64) << 8
        blocks[:, offset : offset + choices.shape[1]] = choices[chosen]
    if type_name == "Q8_0":
        quants = blocks[:, 2:]
        quants[quants == 0x80] = 0x81  # a quantizer never makes -128
    return blocks.reshape(-1)


def _raw(stream: np.random.SFC64, count: int) -> NDArray[np.uint64]:
    return np.asarray(stream.random_raw(count), dtype=np.uint64)


@cache
def _stamps(type_name: str, deviation: float) -> tuple[Stamp, ...]:
    layout = LAYOUTS[type_name]
    shift = _mean(layout.values) if layout.minimum_at is not None else 0.0
    spread = _root_mean_square(value - shift for value in layout.values)
    stamps = []
    if layout.sub_scales is not None:
        spread *= _root_mean_square(SUB_SCALES.tolist())
        stamps.append(Stamp(layout.sub_scales_at, _PACKINGS[layout.sub_scales]()))
    spreads = _spreads()
    size = spreads * (deviation / spread / _root_mean_square(spreads.tolist()))
    size = np.maximum(size, LEAST_F16)
    if layout.minimum_at is None:
        size[SCALES // 2 :] *= -1
    fields = [size]
    if layout.minimum_at is not None:
        fields.append(-shift * layout.minimum_sign * size)
    bits = np.stack(fields, axis=1).astype("<f2").view(np.uint8)
    return (*stamps, Stamp(layout.scale_at, np.ascontiguousarray(bits)))


def _spreads() -> NDArray[np.float64]:
    """Factors on the wanted scale for the 65536 numbers of two random bytes; exact everywhere.

    Their binary logarithms have a triangular distribution of deviation 0.43, which is what real
    smollm2-135m has. llama.cpp's x86 kernels convert scales through a table of 65536 floats, and
    decoding slows as more of it is in use: with few different scales, synthetic weights decoded a
    quarter faster than real ones (docs/synthetic.md).
    """
    number = np.arange(SCALES)
    octaves = ((number & 255) + 2 * (number >> 8 & 127) - 254) / 240
    whole = np.floor(octaves)
    return np.asarray((1 + octaves - whole) * np.exp2(whole))


def _root_mean_square(values: Iterable[float]) -> float:
    return math.sqrt(_mean([value * value for value in values]))


def _mean(values: Sequence[float]) -> float:
    """Correctly rounded: a sum in NumPy depends on the width of the CPU's registers."""
    return math.fsum(values) / len(values)


def _drawn(columns: int, *, signed: bool) -> NDArray[np.int64]:
    """Sub-block scales for 256 blocks, always the same: int64[256, columns]."""
    raw = np.random.SFC64(columns).random_raw((CHOICES, columns))
    found = SUB_SCALES[(raw & np.uint64(3)).astype(np.int64)]
    negative = ((raw >> np.uint64(2)) & np.uint64(1)).astype(bool) & signed
    return np.where(negative, -found, found)


def _nibbles() -> Bytes:
    """Q2_K: 16 scales in low nibbles, the same numbers as minima in high ones."""
    scales = _drawn(16, signed=False)
    return (scales | scales << 4).astype(np.uint8)


def _six_bits() -> Bytes:
    """Q4_K, Q5_K: 8 scales and 8 equal minima; below 16 their upper two bits are clear."""
    scales = _drawn(8, signed=False)
    first, second = scales[:, :4], scales[:, 4:]
    return np.concatenate([first, first, second | second << 4], axis=1).astype(np.uint8)


def _six_bits_signed() -> Bytes:
    """Q3_K: 16 scales, biased by 32: nibbles in 8 bytes, upper bits in 4."""
    scales = _drawn(16, signed=True) + 32
    low = scales[:, :8] & 15 | (scales[:, 8:] & 15) << 4
    upper = (scales >> 4).reshape(CHOICES, 4, 4)
    high = upper[:, 0] | upper[:, 1] << 2 | upper[:, 2] << 4 | upper[:, 3] << 6
    return np.concatenate([low, high], axis=1).astype(np.uint8)


def _bytes_signed() -> Bytes:
    """Q6_K: 16 scales of 8 bits."""
    return _drawn(16, signed=True).astype(np.int8).view(np.uint8)


_PACKINGS = {
    "nibbles": _nibbles,
    "six bits": _six_bits,
    "six bits, signed": _six_bits_signed,
    "bytes, signed": _bytes_signed,
}
