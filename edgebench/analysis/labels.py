"""What files and cells are called wherever they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from edgebench.schema.cell import Cell, MeasuredFile, Skipped


LONGEST = 48
SYNTHETIC = " (synthetic)"


def file_label(file: MeasuredFile) -> str:
    """`smollm2-135m Q4_0 from Q4_1`; synthetic weights say so beside every figure."""
    formats = " from ".join(reversed(file.chain)) or file.quant
    marked = SYNTHETIC if file.weights == "synthetic" and file.architecture != "fake" else ""
    return f"{file.model or file.name} {formats}{marked}"


def short_label(file: MeasuredFile) -> str:
    """The same for a column: a long name gives way in its middle, and never the figures."""
    label, half = file_label(file), LONGEST // 2
    return label if len(label) <= LONGEST else f"{label[: half - 1]}…{label[-half:]}"


def cell_label(cell: Cell, files: Iterable[MeasuredFile]) -> str:
    """`llama.cpp zen4 2t tg128`, after the file's name where there are several files."""
    where = _where(cell.isa, cell.device)
    settings = f"{engine_label(cell)} {where} {cell.threads}t {cell.workload.name}"
    return f"{_prefix(cell.file, files)}{settings}"


def engine_label(cell: Cell) -> str:
    """The backend, and beside it what was chosen of its settings: rows must not look alike."""
    return f"{cell.backend} {chosen(cell)}".strip()


def chosen(cell: Cell) -> str:
    """`kv=q8_0 load=mlock flash_attention=no`: what is not as usual of cache, loading, kernels.

    Engines without flash attention to switch cannot be told the type of their cache either.
    """
    options = cell.options
    kv_chosen = options.kv_type != "f16" and options.flash_attention is not None
    words = [f"kv={options.kv_type}"] * kv_chosen
    words += [f"load={options.load_mode}"] * (options.load_mode in ("read", "mlock"))
    words += ["flash_attention=no"] * (options.flash_attention is False)
    words += ["repacking=no"] * (options.repacking is False)
    return " ".join(words)


def on_device(backend: str, device: str) -> str:
    """`llama.cpp on cuda`; the CPU goes without saying."""
    return backend if device == "cpu" else f"{backend} on {device}"


def told_apart(options: Sequence[Mapping[str, object]]) -> list[str]:
    """Of cells that are alike in all else: the options in which they differ, as each has them."""
    names = dict.fromkeys(name for each in options for name in each)
    differ = [name for name in names if len({str(each.get(name)) for each in options}) > 1]
    return [", ".join(f"{name} {_word(each.get(name))}" for name in differ) for each in options]


def skipped_label(skip: Skipped, files: Iterable[MeasuredFile]) -> str:
    """The same for a combination that is not measured."""
    where = _where(skip.isa, skip.device)
    settings = f"{skip.backend} {where} {skip.threads}t {skip.workload}"
    return f"{_prefix(skip.file, files)}{settings}"


def _where(isa: str, device: str) -> str:
    """The instruction set, and the device beside it where that is not the CPU."""
    return isa if device == "cpu" else f"{isa} {device}"


def _prefix(sha256: str, files: Iterable[MeasuredFile]) -> str:
    names = {file.sha256: file_label(file) for file in files}
    return f"{names[sha256]} " if len(names) > 1 and sha256 in names else ""


def _word(value: object) -> str:
    words = {None: "default", True: "on", False: "off"}
    return words[value] if value is None or isinstance(value, bool) else str(value)
