"""A hub on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.loopback import Server


@pytest.fixture
def server() -> Iterator[Server]:
    with loopback.running() as running:
        yield running
