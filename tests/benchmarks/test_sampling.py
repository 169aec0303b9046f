"""What reading the meters ten times a second costs, and whether decoding notices."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from edgebench.power.hwmon import HwmonPower
from edgebench.power.powercap import Powercap
from edgebench.power.sampler import Sampler
from tests.benchmarks.pairs import launch_tok_s, ratio
from tests.machine_tree import plant
from tests.real.conftest import smollm2  # noqa: F401 - a fixture, found by its name

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.bench
SECONDS = 20.0
MOST = 0.005


@pytest.fixture
def meters(tmp_path: Path) -> tuple[Any, ...]:
    """A board with more counters than most: two packages with three parts, and three rails.

    Files stand for the kernel's: what the kernel does to answer is not ours, and comes on top.
    """
    tree: dict[str, str] = {}
    for zone in ("0", "0:0", "0:1", "0:2", "1", "1:0", "1:1", "1:2"):
        folder = f"sys/class/powercap/intel-rapl:{zone}"
        name = f"package-{zone}" if len(zone) == 1 else f"part-{zone}"
        tree |= {f"{folder}/name": name, f"{folder}/energy_uj": f"{hash(zone) % 10**12}"}
    chip = "sys/class/hwmon/hwmon0"
    tree |= {f"{chip}/name": "ina3221"}
    for rail in range(1, 4):
        tree |= {f"{chip}/in{rail}_input": "5000", f"{chip}/curr{rail}_input": "1000"}
    root = plant(tmp_path, tree)
    return Powercap(root), HwmonPower(root)


def test_ten_looks_a_second_cost_less_than_half_a_percent_of_a_core(
    meters: tuple[Any, ...],
) -> None:
    with Sampler(meters) as sampled:
        before, begun = time.process_time(), time.monotonic()
        time.sleep(SECONDS)
        share = (time.process_time() - before) / (time.monotonic() - begun)

    looks = len(sampled.series()[0].times_ns)
    print(f"sampling 11 domains, {looks} looks in {SECONDS:g} s: {share:.3%} of one core")
    assert looks > SECONDS * 5, "it was not sampled as often as it says"
    assert share < MOST


def test_decoding_beside_the_sampler_is_as_fast_as_without(
    request: pytest.FixtureRequest, meters: tuple[Any, ...]
) -> None:
    file: Path = request.getfixturevalue("smollm2")

    def decode() -> float:
        return launch_tok_s(file, prompt=0, output=96)

    def sampled() -> float:
        with Sampler(meters):
            return decode()

    found = ratio("decode tok/s, sampled / not", sampled, decode)

    assert found.low is not None
    assert found.high is not None
    assert found.low <= 1 <= found.high, "sampling changes decode speed by more than its interval"
