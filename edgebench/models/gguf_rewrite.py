"""Another GGUF file from one that is here: the same metadata, tensors changed, renamed or left out.

Written by the gguf package, a tensor at a time, so that memory does not grow with the model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from edgebench.models.making import alone, becoming
from edgebench.models.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Data = NDArray[Any]

_OWN = ("GGUF.", "general.architecture")


class Change(NamedTuple):
    """A tensor of the new file. `data` gives its values: float32, or the source's own bytes
    (`type_name` is then the source's).
    """

    name: str
    type_name: str
    data: Callable[[], Data]


class Kept(NamedTuple):
    """A tensor of the source, `data` as it lies there; `dequantized` gives float32."""

    name: str
    type_name: str
    data: Data

    def same(self, name: str | None = None) -> Change:
        """As it is, or under another name."""
        return Change(name or self.name, self.type_name, lambda: self.data)

    def dequantized(self) -> Data:
        from gguf.constants import GGMLQuantizationType
        from gguf.quants import dequantize

        found = dequantize(self.data, GGMLQuantizationType[self.type_name])
        return np.asarray(found, dtype=np.float32)


def rewrite(
    source: Path,
    target: Path,
    change: Callable[[Kept], Change | None],
    overrides: Mapping[str, Any],
) -> None:
    """Write `target` with what `change` makes of each tensor (None leaves it out).

    `overrides` replace metadata. The file is whole or absent. Raises CannotWrite, Interrupted.
    """
    from gguf import GGUFReader, GGUFWriter

    reader = GGUFReader(source)
    architecture = reader.fields["general.architecture"].contents()
    kept = (Kept(str(t.name), t.tensor_type.name, t.data) for t in reader.tensors)
    changes = [made for tensor in kept if (made := change(tensor)) is not None]
    target.parent.mkdir(parents=True, exist_ok=True)
    with alone(target, Silent()), becoming(target, source.stat().st_size) as part:
        writer = GGUFWriter(part, architecture)
        _copy_metadata(reader, writer, overrides)
        _write(writer, changes)


def _copy_metadata(reader: Any, writer: Any, overrides: Mapping[str, Any]) -> None:
    from gguf.constants import GGUFValueType

    for field in reader.fields.values():
        if field.name.startswith(_OWN):
            continue
        value = overrides.get(field.name, field.contents())
        is_array = field.types[0] == GGUFValueType.ARRAY
        sub_type = field.types[-1] if is_array else None
        writer.add_key_value(field.name, value, field.types[0], sub_type=sub_type)


def _write(writer: Any, changes: list[Change]) -> None:
    from gguf.constants import GGMLQuantizationType

    for made in changes:
        data = made.data()
        kind = GGMLQuantizationType[made.type_name]
        raw = kind if data.dtype == np.uint8 else None
        writer.add_tensor_info(made.name, data.shape, data.dtype, data.nbytes, raw_dtype=raw)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for made in changes:
        writer.write_tensor_data(np.ascontiguousarray(made.data()))
    writer.close()
