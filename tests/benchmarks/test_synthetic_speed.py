"""The premise of synthetic weights: the speed of a dense transformer does not depend on values.

Real smollm2-135m against its synthetic twin in the same format, in turns. Part of `make bench`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.files import cache_dir
from edgebench.models import catalog
from edgebench.models.progress import Silent
from edgebench.models.synthesize import DEFAULT_SEED, synthetic_file
from tests.benchmarks.pairs import launch_tok_s, ratio
from tests.real.conftest import smollm2  # noqa: F401 - a fixture, found by its name

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.bench
ALLOWED = 0.02


@pytest.mark.parametrize(("prompt", "output"), [(256, 0), (0, 96)], ids=["prefill", "decode"])
def test_a_synthetic_twin_is_as_fast(
    request: pytest.FixtureRequest, prompt: int, output: int
) -> None:
    real: Path = request.getfixturevalue("smollm2")
    model = catalog.find(catalog.load_catalog(), "smollm2-135m")
    twin = synthetic_file(
        "smollm2-135m", model, "Q4_1", DEFAULT_SEED, cache=cache_dir(), progress=Silent()
    ).path

    found = ratio(
        f"synthetic / real, {'prefill' if prompt else 'decode'}",
        lambda: launch_tok_s(twin, prompt=prompt, output=output),
        lambda: launch_tok_s(real, prompt=prompt, output=output),
        pairs=20,
    )

    assert found.low is not None
    assert found.high is not None
    assert found.low <= 1 + ALLOWED, "faster than real weights by more than the margin"
    assert found.high >= 1 - ALLOWED, "slower than real weights by more than the margin"
