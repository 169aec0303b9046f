"""Real weights from edgebench's own cache, since tests use no network, and the engine for them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from edgebench.files import cache_dir
from edgebench.models import cache, catalog

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """smollm2-135m as the catalogue has it: Q4_1, 98 MB."""
    name = "smollm2-135m"
    file = catalog.choose_file(name, catalog.find(catalog.load_catalog(), name), "Q4_1")
    path = cache.Place.of(file, cache_dir()).path
    if not path.exists():
        pytest.fail(f"{path.name} is not cached; run: python -m scripts.fetch {name}")
    return path


@pytest.fixture(scope="session")
def isa() -> str:
    """llama.cpp's best instruction set, asked in a process of its own."""
    program = "from edgebench.backends.llama_cpp import LlamaCpp; print(LlamaCpp().isas()[0])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
