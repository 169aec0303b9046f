"""A model file of a real shape with random weights: no download, no licence, the same speed.

What a dense transformer computes does not depend on the values of its weights, only on their
number and format. So a GGUF file with the right tensors, the right types and well-behaved random
values is timed like the real one, as long as the values neither overflow nor become subnormal.

Llama 3's `rope_freqs.weight`, a table of 32 or 64 factors for the rotary embedding, is left out:
it changes values and no amount of work.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import numpy as np

from edgebench.errors import BadInput
from edgebench.models import formats
from edgebench.models.blocks import bell, random_weights
from edgebench.models.made import Made, keep, seal
from edgebench.models.making import becoming, once
from edgebench.models.recipe import Recipe
from edgebench.models.synthetic_header import header_bytes, padded, write_header
from edgebench.models.world import disk_free as free_bytes
from edgebench.schema.model import MadeFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from edgebench.models.making import DiskFree
    from edgebench.models.progress import Progress
    from edgebench.models.recipe import Tensor
    from edgebench.schema.model import Model, Shape

# Part of every file's name: raise it when the same seed would give other bytes.
GENERATOR_VERSION = 1
TOOL = f"edgebench synthetic weights, version {GENERATOR_VERSION}"
DEFAULT_SEED = 1
LARGEST_SEED = 2**63 - 1


def parse_seed(option: str, text: str) -> int:
    """`42` -> 42. Raises BadInput for what is not a whole number from 0 to 2^63 - 1."""
    if not re.fullmatch(r"\d{1,19}", text.strip()) or int(text) > LARGEST_SEED:
        raise BadInput(
            f"{option} {text!r} is not a seed.", f"Give a whole number from 0 to {LARGEST_SEED}."
        )
    return int(text)


def synthetic_path(name: str, shape: Shape, quant: str, seed: int, cache: Path) -> Path:
    """Where the synthetic twin of a model lies; the name says what the file really holds.

    Raises UnknownName for the format, BadInput for an impossible shape.
    """
    known = formats.find_format(quant)
    formats.check_shape(shape, known)
    label = formats.label(known, formats.held(shape, known))
    file = f"{name}-{label}-seed{seed}-v{GENERATOR_VERSION}.gguf"
    return cache / "models" / "synthetic" / file


def synthetic_file(
    name: str,
    model: Model,
    quant: str | None,
    seed: int,
    *,
    cache: Path,
    progress: Progress,
    disk_free: DiskFree = free_bytes,
) -> Made:
    """The synthetic twin of a model, made unless it is there; `quant` None is its first format.

    Two processes may ask at once: one makes it, the other waits. Raises UnknownName, BadInput,
    CannotWrite with the bytes needed, Interrupted.
    """
    asked = formats.find_format(quant or model.files[0].quant)
    path = synthetic_path(name, model.shape, asked, seed, cache)
    warning = formats.warning(asked, formats.held(model.shape, asked))
    record = once(
        path, progress,
        lambda: synthesize(
            model.shape, asked, seed, path, progress, title=model.title, disk_free=disk_free
        ),
    )  # fmt: skip
    return Made(path, record, warning)


def synthesize(
    shape: Shape,
    quant: str,
    seed: int,
    target: Path,
    progress: Progress,
    *,
    title: str = "synthetic",
    disk_free: DiskFree = free_bytes,
) -> MadeFile:
    """Write a GGUF file of `shape` to `target`, and its record beside it; returns the record.

    One seed gives the same bytes on every machine: tensor i is drawn from NumPy's
    SFC64(SeedSequence((seed, i))), a few MiB at a time, so that memory does not grow with the
    model. Raises UnknownName, BadInput, CannotWrite and Interrupted; the file is whole or absent.
    """
    recipe = Recipe.of(shape, quant, seed, title)
    needed_bytes = sum(padded(t.size_bytes) for t in recipe.tensors) + header_bytes(recipe)
    with becoming(target, needed_bytes, disk_free) as part:
        write_header(part, recipe)
        sha256 = _append(part, recipe, progress, f"making {target.name}")
        record = MadeFile(
            sha256=sha256,
            made="synthetic",
            quant=recipe.quant,
            from_sha256=None,
            chain=(recipe.quant,),
            seed=seed,
            tool=TOOL,
        )
        keep(target, record)
    seal(target, sha256)
    return record


def _append(part: Path, recipe: Recipe, progress: Progress, label: str) -> str:
    """Write the weights behind the header; the SHA-256 of the whole file."""
    digest = hashlib.sha256(part.read_bytes())
    progress.start(label, sum(t.size_bytes for t in recipe.tensors), 0)
    try:
        with part.open("ab") as stream:
            for index, tensor in enumerate(recipe.tensors):
                for piece in _pieces(tensor, (recipe.seed, index)):
                    stream.write(piece)
                    digest.update(piece)
                    progress.advance(len(piece))
    finally:
        progress.finish()
    return digest.hexdigest()


def _pieces(tensor: Tensor, seed: tuple[int, int]) -> Iterator[memoryview]:
    if tensor.deviation is None:
        yield _gains(tensor, seed).astype("<f4").data.cast("B")
    else:
        for piece in random_weights(tensor.type_name, tensor.weights, tensor.deviation, seed):
            yield piece.data
    yield memoryview(bytes(padded(tensor.size_bytes) - tensor.size_bytes))


def _gains(tensor: Tensor, seed: tuple[int, int]) -> NDArray[np.float32]:
    raw = np.random.SFC64(np.random.SeedSequence(seed)).random_raw(tensor.weights)
    values = np.float32(1) + bell(raw) * np.float32(0.25 / 3.5)
    flips = np.where(raw & np.uint64(1), np.float32(-1), np.float32(1))
    return values * np.float32(tensor.scale) * (flips if tensor.signed else np.float32(1))
