"""GGUF's quantized blocks in the layout of ONNX Runtime's MatMulNBits and GatherBlockQuantized.

Those operators hold unsigned numbers of 4 or 8 bits with one scale a block and subtract half of
their range. A weight is `scale * (number - 2**(bits - 1)) + offset`; the operators know no float
offset, so the graph adds it (edgebench/models/onnx_graph.py). Layouts of blocks are those of
ggml (ggml-common.h), as `gguf.quants` reads them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    Bytes: TypeAlias = NDArray[np.uint8]
    Floats: TypeAlias = NDArray[np.float32]

# Damaged weights hold infinite scales and NaN; they are carried over, and verification says so.
_DAMAGED = np.errstate(all="ignore")
IQ4_NL_VALUES = (-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113)


class Layout(NamedTuple):
    """How a type is held: bits of a number, weights of a block, whether blocks have offsets.

    Where they have, `centre` is taken from the type's numbers and its scales' worth added to the
    offsets. Engines round activations to 8 bits: numbers around 0 let those errors cancel.
    """

    bits: int
    size: int
    offsets: bool = False
    centre: int = 0


class Blocks(NamedTuple):
    """Rows of a matrix: uint8[rows, blocks, size * bits / 8], float32[rows, blocks] each.

    `offsets` is None where a block has none. The first of two 4-bit numbers is in the low half.
    """

    packed: Bytes
    scales: Floats
    offsets: Floats | None


class Quants(NamedTuple):
    """What a type's blocks say: integers q and floats, weight = scale * (q - zero) + offset.

    `numbers` are uint8[blocks, parts, size], the floats float32[blocks, parts].
    """

    numbers: NDArray[np.uint8]
    scales: Floats
    offsets: Floats | None = None
    zero: int = 0


LAYOUTS = {
    "Q4_0": Layout(4, 32),
    "Q4_1": Layout(4, 32, offsets=True, centre=8),
    "Q5_0": Layout(8, 32),
    "Q5_1": Layout(8, 32, offsets=True, centre=16),
    "Q8_0": Layout(8, 32),
    "IQ4_NL": Layout(8, 32),
    "Q2_K": Layout(4, 16, offsets=True, centre=2),
    "Q3_K": Layout(4, 16),
    "Q4_K": Layout(4, 32, offsets=True, centre=8),
    "Q5_K": Layout(8, 32, offsets=True, centre=16),
    "Q6_K": Layout(8, 16),
}


@_DAMAGED
def layout_of(type_name: str, pieces: Iterable[Bytes]) -> Layout:
    """The layout in which a matrix, in `pieces` of raw GGUF rows, uint8[rows, bytes], is exact.

    Where float32 cannot hold an offset with the centre in it, the centre is 0; numbers that
    then need more room than 4 bits get 8.
    """
    layout = LAYOUTS[type_name]
    if not layout.centre or all(_is_exact(type_name, rows, layout.centre) for rows in pieces):
        return layout
    return layout._replace(centre=0, bits=4 if type_name == "Q2_K" else 8)


@_DAMAGED
def repack(type_name: str, rows: Bytes, layout: Layout) -> Blocks:
    """Raw rows of a GGUF matrix, uint8[rows, bytes], in the operators' layout."""
    quants = _READERS[type_name](_blocks(type_name, rows))
    offsets = quants.offsets
    if offsets is not None:
        offsets = offsets + np.float32(layout.centre) * quants.scales
    shift = (1 << (layout.bits - 1)) - quants.zero - layout.centre
    numbers = quants.numbers + np.array(shift).astype(np.uint8)  # modulo 256
    numbers = numbers.reshape(len(rows), -1, layout.size)
    return Blocks(
        _pack(numbers, layout.bits),
        quants.scales.reshape(len(rows), -1),
        None if offsets is None else offsets.reshape(len(rows), -1),
    )


@_DAMAGED
def restore(blocks: Blocks, bits: int) -> Floats:
    """The weights that the operators see: float32[rows, inputs], rounded once per operation."""
    packed = blocks.packed
    if bits == 4:
        packed = np.stack([packed & 15, packed >> 4], axis=-1).reshape(*packed.shape[:2], -1)
    centred = packed.astype(np.float32) - np.float32(1 << (bits - 1))
    weights = centred * blocks.scales.astype(np.float32)[..., None]
    if blocks.offsets is not None:
        weights += blocks.offsets[..., None]
    return weights.reshape(len(packed), -1)


def _pack(numbers: Bytes, bits: int) -> Bytes:
    if bits == 8:
        return numbers
    return np.asarray(numbers[..., 0::2] | numbers[..., 1::2] << 4)


def _is_exact(type_name: str, rows: Bytes, centre: int) -> bool:
    scales, offsets = _FLOATS[type_name](_blocks(type_name, rows))
    exact = offsets.astype(np.float64) + centre * scales.astype(np.float64)
    return bool(np.array_equal(exact, exact.astype(np.float32)))


def _blocks(type_name: str, rows: Bytes) -> Bytes:
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

    _, size_bytes = GGML_QUANT_SIZES[GGMLQuantizationType[type_name]]
    return np.ascontiguousarray(rows).reshape(-1, size_bytes)


def _f16(raw: Bytes) -> Floats:
    """Two bytes of each block as a column: float32[blocks, 1]."""
    return np.ascontiguousarray(raw).view(np.float16).astype(np.float32)


def _halves(raw: Bytes, width: int) -> Bytes:
    """Low halves of `width` bytes, then their high halves, and on: uint8[blocks, -1]."""
    pieces = raw.reshape(len(raw), -1, 1, width) >> np.array([[0], [4]], dtype=np.uint8)
    return (pieces & np.uint8(15)).reshape(len(raw), -1)


def _bits(raw: Bytes, step: int, width: int) -> Bytes:
    """Fields of `step` bits: the lowest of `width` bytes first, then their next ones."""
    shifts = np.arange(0, 8, step, dtype=np.uint8).reshape(-1, 1)
    pieces = raw.reshape(len(raw), -1, 1, width) >> shifts
    return (pieces & np.uint8((1 << step) - 1)).reshape(len(raw), -1)


def _fifth_bits(raw: Bytes) -> Bytes:
    """Bit i of 4 bytes belongs to weight i: uint8[blocks, 32]."""
    return np.unpackbits(np.ascontiguousarray(raw), axis=-1, bitorder="little") << np.uint8(4)


def _scale_and_minimum(raw: Bytes) -> tuple[Floats, Floats]:
    return _f16(raw[:, :2]), _f16(raw[:, 2:4])


def _q4_0(raw: Bytes) -> Quants:
    return Quants(_halves(raw[:, 2:], 16)[:, None], _f16(raw[:, :2]), zero=8)


def _q4_1(raw: Bytes) -> Quants:
    return Quants(_halves(raw[:, 4:], 16)[:, None], *_scale_and_minimum(raw))


def _q5_0(raw: Bytes) -> Quants:
    numbers = _halves(raw[:, 6:], 16) | _fifth_bits(raw[:, 2:6])
    return Quants(numbers[:, None], _f16(raw[:, :2]), zero=16)


def _q5_1(raw: Bytes) -> Quants:
    numbers = _halves(raw[:, 8:], 16) | _fifth_bits(raw[:, 4:8])
    return Quants(numbers[:, None], *_scale_and_minimum(raw))


def _q8_0(raw: Bytes) -> Quants:
    return Quants((raw[:, 2:] ^ np.uint8(128))[:, None], _f16(raw[:, :2]), zero=128)


def _iq4_nl(raw: Bytes) -> Quants:
    values = np.array(IQ4_NL_VALUES, dtype=np.int16) + 128
    numbers = values.astype(np.uint8)[_halves(raw[:, 2:], 16)]
    return Quants(numbers[:, None], _f16(raw[:, :2]), zero=128)


def _q2_k(raw: Bytes) -> Quants:
    return Quants(_bits(raw[:, 16:80], 2, 32).reshape(-1, 16, 16), *_q2_floats(raw))


def _q2_floats(raw: Bytes) -> tuple[Floats, Floats]:
    """16 scales in low halves, 16 minima in high ones: float32[blocks, 16] each."""
    scales = _f16(raw[:, 80:82]) * (raw[:, :16] & 15).astype(np.float32)
    return scales, -(_f16(raw[:, 82:84]) * (raw[:, :16] >> 4).astype(np.float32))


def _q3_k(raw: Bytes) -> Quants:
    high = _bits(raw[:, :32], 1, 32) << np.uint8(2)
    numbers = (_bits(raw[:, 32:96], 2, 32) | high).reshape(-1, 16, 16)
    sub = _halves(raw[:, 96:104], 8) | _bits(raw[:, 104:108], 2, 4) << np.uint8(4)
    return Quants(numbers, _f16(raw[:, 108:]) * (sub.astype(np.float32) - 32), zero=4)


def _q4_k(raw: Bytes) -> Quants:
    return Quants(_halves(raw[:, 16:], 32).reshape(-1, 8, 32), *_scales_and_minima(raw))


def _q5_k(raw: Bytes) -> Quants:
    numbers = _halves(raw[:, 48:], 32) | _bits(raw[:, 16:48], 1, 32) << np.uint8(4)
    return Quants(numbers.reshape(-1, 8, 32), *_scales_and_minima(raw))


def _q6_k(raw: Bytes) -> Quants:
    numbers = _halves(raw[:, :128], 64) | _bits(raw[:, 128:192], 2, 32) << np.uint8(4)
    scales = _f16(raw[:, 208:]) * raw[:, 192:208].view(np.int8).astype(np.float32)
    return Quants(numbers.reshape(-1, 16, 16), scales, zero=32)


def _scales_and_minima(raw: Bytes) -> tuple[Floats, Floats]:
    """Q4_K, Q5_K: 8 scales and 8 minima of 6 bits in 12 bytes, float32[blocks, 8] each."""
    first, second, rest = raw[:, 4:8], raw[:, 8:12], raw[:, 12:16]
    scales = np.concatenate([first & 63, rest & 15 | first >> 2 & 48], axis=1)
    minima = np.concatenate([second & 63, rest >> 4 | second >> 2 & 48], axis=1)
    d, least = _f16(raw[:, :2]), _f16(raw[:, 2:4])
    return d * scales.astype(np.float32), -(least * minima.astype(np.float32))


_READERS: dict[str, Callable[[Bytes], Quants]] = {
    "Q4_0": _q4_0, "Q4_1": _q4_1, "Q5_0": _q5_0, "Q5_1": _q5_1, "Q8_0": _q8_0,
    "IQ4_NL": _iq4_nl, "Q2_K": _q2_k, "Q3_K": _q3_k, "Q4_K": _q4_k, "Q5_K": _q5_k, "Q6_K": _q6_k,
}  # fmt: skip
# Scales and offsets of the types that have both, without their numbers.
_FLOATS: dict[str, Callable[[Bytes], tuple[Floats, Floats]]] = {
    "Q4_1": _scale_and_minimum,
    "Q5_1": _scale_and_minimum,
    "Q2_K": _q2_floats,
    "Q4_K": _scales_and_minima,
    "Q5_K": _scales_and_minima,
}
