"""Records of ours that are exported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from edgebench.schema.result import CellResult
from tests.interchange.makers import HIDDEN_MS, entry, save
from tests.results_maker import DEVICE, cell, decode_launches, verification

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return save(tmp_path / "sound.json", entry())


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """One cell that may be shown, one whose output is wrong, one that an emulator played."""
    folder = tmp_path / "mixed"
    hidden: dict[str, Any] = {"launches": decode_launches(*HIDDEN_MS)}
    wrong = CellResult(cell=cell("tg4", threads=2), verification=verification("failed"), **hidden)
    save(folder / "a.json", entry(), wrong)
    device = DEVICE.model_copy(update={"id": "played", "emulated": "QEMU"})
    played = entry(emulated="QEMU", **hidden)
    save(folder / "b.json", played, device=device, run_id="89abcdef")
    return folder
