"""LoRA adapters of random weights on every linear layer, as llama.cpp reads them; and merging one.

LoRA (Hu et al. 2021, arXiv:2106.09685) adds (alpha / r) B A to a matrix W [outputs, inputs], with
A [r, inputs] and B [outputs, r]. The file is what llama.cpp's convert_lora_to_gguf.py writes:
`<matrix>.lora_a` and `.lora_b`, float32. Speed does not depend on the values, so they are random;
they change W by `STRENGTH` of its own size, enough to be seen in every logit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from edgebench.models.gguf_rewrite import Change, Kept, rewrite
from edgebench.models.making import alone, becoming
from edgebench.models.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

LINEAR = re.compile(r"blk\.\d+\.(attn_[qkv]|attn_output|ffn_gate|ffn_up|ffn_down)\.weight")
STRENGTH = 0.1
ALL_F32 = 0
VERSION = 1


def write_adapter(source: Path, target: Path, *, rank: int, seed: int) -> None:
    """A random adapter of that rank for all linear layers of `source`, unless it is there.

    alpha equals the rank, so that the product is added as it is. Raises CannotWrite, Interrupted.
    """
    from gguf import GGUFWriter

    with alone(target, Silent()):
        if target.exists():
            return
        with becoming(target, 0) as part:
            writer = GGUFWriter(part, "llama")
            writer.add_type("adapter")
            writer.add_string("adapter.type", "lora")
            writer.add_float32("adapter.lora.alpha", float(rank))
            for index, tensor in enumerate(_linear(source)):
                down, up = _factors(tensor, rank, (seed, rank, index))
                writer.add_tensor(f"{tensor.name}.lora_a", down)
                writer.add_tensor(f"{tensor.name}.lora_b", up)
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
            writer.close()


def merge(source: Path, adapter: Path, target: Path) -> None:
    """`source` dequantized to float32 with the adapter added to it. Raises CannotWrite."""
    from gguf import GGUFReader

    factors: dict[str, Any] = {str(t.name): t.data for t in GGUFReader(adapter).tensors}

    def change(tensor: Kept) -> Change:
        return Change(tensor.name, "F32", lambda: _merged(tensor, factors))

    rewrite(source, target, change, {"general.file_type": ALL_F32})


def _merged(tensor: Kept, factors: dict[str, Any]) -> Floats:
    whole = tensor.dequantized()
    down, up = (factors.get(f"{tensor.name}.lora_{side}") for side in "ab")
    return whole if down is None or up is None else whole + up @ down


def _linear(source: Path) -> Iterator[Kept]:
    from gguf import GGUFReader

    for tensor in GGUFReader(source).tensors:
        if LINEAR.fullmatch(tensor.name):
            yield Kept(str(tensor.name), tensor.tensor_type.name, tensor.data)


def _factors(tensor: Kept, rank: int, seed: tuple[int, ...]) -> tuple[Floats, Floats]:
    """A of deviation 1, B such that their product deviates by STRENGTH of the matrix's own."""
    whole = tensor.dequantized()
    outputs, inputs = whole.shape
    random = np.random.default_rng(seed)
    down = random.standard_normal((rank, inputs), dtype=np.float32)
    up = random.standard_normal((outputs, rank), dtype=np.float32)
    scale = np.float32(STRENGTH * float(whole.std()) / rank**0.5)
    return down, np.asarray(up * scale, dtype=np.float32)
