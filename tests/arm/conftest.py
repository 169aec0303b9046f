"""Emulated ARM machines, where scripts/arm/environment.py has made their environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.errors import EdgebenchError
from edgebench.files import cache_dir
from scripts.arm import environment

if TYPE_CHECKING:
    from scripts.arm.guest import Environment

HOW = "make it: python -m scripts.arm.environment --quick (docs/arm.md)."


@pytest.fixture(scope="session")
def arm() -> Environment:
    """The environment with this edgebench in it. Nothing is fetched: tests use no network."""
    folder = cache_dir() / environment.FOLDER
    if not environment.is_made(folder):
        pytest.skip(f"There is no emulated ARM environment; {HOW}")
    try:
        return environment.make(folder, quick=True)
    except EdgebenchError as error:
        pytest.skip(f"{error} To try again, {HOW}")
