"""RAPL's counters on made-up machines, with the traps that real ones set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.power.powercap import Powercap
from tests.machine_tree import plant
from tests.power.makers import play, told, write
from tests.power.powercap_tree import RAPL, zone

if TYPE_CHECKING:
    from pathlib import Path


def test_powercap_gives_what_went_through_a_counter_that_wraps(tmp_path: Path) -> None:
    root = plant(tmp_path, zone("intel-rapl:0", "package-0", range_uj=2**32))
    path = root / RAPL / "intel-rapl:0/energy_uj"

    found = play(
        Powercap(root), lambda second: write(path, (2**32 - 5e7 + second * 25e6) % 2**32)
    )  # fmt: skip

    assert found["package-0"].joules == pytest.approx(250.0)
    assert found["package-0"].wraps == 1
    assert (found["package-0"].method, found["package-0"].quality) == ("counter:rapl", "B")


def test_overlapping_domains_are_told_apart(tmp_path: Path) -> None:
    """A platform holds its package, which holds its cores: each keeps its scope and its name."""
    tree = (
        zone("intel-rapl:0", "package-0") | zone("intel-rapl:0:0", "core")
        | zone("intel-rapl:0:1", "uncore") | zone("intel-rapl:0:2", "dram")
        | zone("intel-rapl:1", "psys") | zone("intel-rapl:2", "package-1")
        | {f"{RAPL}/intel-rapl/enabled": "1"}
    )  # fmt: skip
    domains = Powercap(plant(tmp_path, tree)).domains()

    assert {domain.name: domain.scope for domain in domains} == {
        "package-0": "package", "package-0/core": "cores", "package-0/uncore": "uncore",
        "package-0/dram": "memory", "psys": "platform", "package-1": "package",
    }  # fmt: skip


def test_the_mmio_interface_shows_no_package_twice(tmp_path: Path) -> None:
    msr = zone("intel-rapl:0", "package-0", 5_000_000_000)
    mmio = zone("intel-rapl-mmio:0", "package-0", 7_000_000_000)
    both = Powercap(plant(tmp_path / "both", msr | mmio))
    alone = Powercap(plant(tmp_path / "alone", mmio))
    locked = Powercap(tmp_path / "both", lambda path: "mmio" in path.parent.name)

    assert told(both) == {"package-0": (5e9, None)}
    assert told(alone) == {"package-0": (7e9, None)}
    assert told(locked) == {"package-0": (7e9, None)}, "the one that may be read"


def test_dies_that_show_one_counter_are_one_package(tmp_path: Path) -> None:
    mirrored = zone("intel-rapl:0", "package-0-die-0") | zone(
        "intel-rapl:1", "package-0-die-1", 10**9 + 300_000
    )
    different = zone("intel-rapl:0", "package-0-die-0") | zone(
        "intel-rapl:1", "package-0-die-1", 4 * 10**9
    )
    sockets = zone("intel-rapl:0", "package-0") | zone("intel-rapl:1", "package-1")

    names = [
        [domain.name for domain in Powercap(plant(tmp_path / str(n), tree)).domains()]
        for n, tree in enumerate((mirrored, different, sockets))
    ]

    assert names[0] == ["package-0-die-0"], "Zen 1 and 2 mirror the package's counter per die"
    assert names[1] == ["package-0-die-0", "package-0-die-1"], "Intel's dies count for themselves"
    assert names[2] == ["package-0", "package-1"], "two sockets are two, whatever they count"


def test_a_sensor_that_disappears_gives_a_reason_and_no_joule(tmp_path: Path) -> None:
    root = plant(tmp_path, zone("intel-rapl:0", "package-0") | zone("intel-rapl:1", "psys"))
    folder = root / RAPL

    def change(second: float) -> None:
        write(folder / "intel-rapl:1/energy_uj", 1e9 + second * 30e6)
        if second < 6:
            write(folder / "intel-rapl:0/energy_uj", 1e9 + second * 25e6)
        elif (folder / "intel-rapl:0/energy_uj").exists():
            (folder / "intel-rapl:0/energy_uj").unlink()

    found = play(Powercap(root), change)

    assert found["package-0"].joules is None
    assert found["package-0"].reason == "energy_uj disappeared while it was measured."
    assert found["psys"].joules == pytest.approx(300.0), "the other one is none the worse"


def test_a_sensor_that_comes_back_is_not_trusted_again(tmp_path: Path) -> None:
    root = plant(tmp_path, zone("intel-rapl:0", "package-0"))
    path = root / RAPL / "intel-rapl:0/energy_uj"

    def change(second: float) -> None:
        write(path, 1e9 + second * 25e6)
        if 6 < second < 6.3:
            path.write_text("no number\n")

    found = play(Powercap(root), change)

    assert found["package-0"].reason == "energy_uj holds no number."


@pytest.mark.parametrize("after", [0, 900_000_000])
def test_a_counter_that_is_reset_is_no_wrap(tmp_path: Path, after: int) -> None:
    root = plant(tmp_path, zone("intel-rapl:0", "package-0"))
    path = root / RAPL / "intel-rapl:0/energy_uj"

    found = play(
        Powercap(root),
        lambda second: write(path, (1e9 if second < 6 else after) + second * 25e6),
    )

    assert found["package-0"].joules is None
    assert "backwards" in (found["package-0"].reason or "")
