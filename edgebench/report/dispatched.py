"""What each engine said after loading: which library, which features; and what it was set to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.analysis.labels import on_device
from edgebench.report.grid import grid

if TYPE_CHECKING:
    from edgebench.schema.cell import Options
    from edgebench.schema.result import Result

COLUMNS = ("engine", "ISA", "library", "settings", "read back")
SETTINGS = ("flash_attention", "repacking", "kv_type", "activations", "load_mode")


def render(result: Result, *, width: int = 480) -> str:
    """The rows as aligned text; nothing before the first launch."""
    found = rows(result)
    return grid(COLUMNS, found, width=width) if found else ""


def rows(result: Result) -> list[tuple[str, ...]]:
    """One row for each way in which an engine was run, however many cells it was."""
    found = [
        (
            on_device(entry.cell.backend, entry.cell.device),
            launch.dispatch.isa,
            launch.dispatch.library,
            _settings(entry.cell.options),
            " ".join(launch.dispatch.features) or "-",
        )
        for entry in result.cells
        for launch in entry.launches
        if launch.dispatch
    ]
    return [*dict.fromkeys(found)]


def _settings(options: Options) -> str:
    """Those that the engine has: `flash_attention=yes repacking=no`."""
    chosen = {name: getattr(options, name) for name in SETTINGS}
    words = {True: "yes", False: "no"}
    return " ".join(
        f"{name}={words.get(value, value)}" for name, value in chosen.items() if value is not None
    )
