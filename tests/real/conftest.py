"""Real models for real tests, fetched once into edgebench's own cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.files import cache_dir
from edgebench.models import catalog
from edgebench.models.fetch import ensure
from edgebench.models.progress import Silent

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """smollm2-135m as the catalogue has it: Q4_1, 98 MB."""
    name = "smollm2-135m"
    file = catalog.choose_file(name, catalog.find(catalog.load_catalog(), name), "Q4_1")
    return ensure(file, cache=cache_dir(), progress=Silent())
