"""Devices beside each other: per core, per bandwidth, per watt, per dollar."""

from __future__ import annotations

import pytest

from edgebench.analysis.compare import compare
from edgebench.analysis.compare_reading import samples_of
from edgebench.analysis.compare_samples import SideSamples
from edgebench.analysis.energy import Figure
from edgebench.report import comparison
from edgebench.schema.interval import Interval
from tests.comparing.makers import SLOWER_MS, emulated, record, side
from tests.results_maker import DEVICE

WALL = Figure(
    phase="decode", method="wall_meter", scope="system", quality="A", meters=("plug",),
    joules_per_token=None, tokens_per_joule=Interval(estimate=2.5, low=2, high=3, launches=5),
    watts=None, idle_watts=None, above_idle_joules_per_token=None, window_s=9.0, samples=90,
    reason=None,
)  # fmt: skip


def test_devices_stand_beside_each_other_and_are_never_tested() -> None:
    other = record(*SLOWER_MS, device=DEVICE.model_copy(update={"id": "other"}))

    found = compare([side("all", record(), other)])

    assert found.differences == ()
    rates = {row.device: row.rate.estimate for row in found.devices}
    assert rates["board-4cpu"] == pytest.approx(1.2 * rates["other"])
    assert [row.per_core for row in found.devices] == pytest.approx(
        [row.rate.estimate / 4 for row in found.devices]
    )
    assert {row.per_gb_s for row in found.devices} == {None}, "no bandwidth was measured"


def test_an_emulated_device_has_no_row_of_speeds() -> None:
    found = compare([side("all", record(), emulated(record(*SLOWER_MS)))])
    assert {row.device for row in found.devices} == {"board-4cpu"}


def test_per_bandwidth_is_for_the_threads_that_were_measured() -> None:
    (sample,) = samples_of(record(), "a")
    machine = sample.machine._replace(bandwidth_gb_s={4: 10.0, 2: 7.0})

    found = compare([SideSamples("a", 1, (sample._replace(machine=machine),), {})])

    (row,) = found.devices
    assert row.per_gb_s == pytest.approx(row.rate.estimate / 10)


def test_per_watt_names_the_meter_and_per_dollar_the_profile() -> None:
    device = DEVICE.model_copy(update={"profile": "raspberry-pi/5"})
    (sample,) = samples_of(record(device=device), "a")

    found = compare([SideSamples("a", 1, (sample._replace(energy=(WALL,)),), {})])

    (row,) = found.devices
    assert (row.per_watt, row.watts_by) == (2.5, "wall_meter, system, A")
    assert sample.machine.price_usd is not None
    assert row.per_usd == pytest.approx(row.rate.estimate / sample.machine.price_usd)
    table = comparison.text(found)
    assert "per W" in table
    assert "wall_meter, system, A" in table


@pytest.mark.parametrize("profile", [None, "../../etc/passwd", "no/such-board", "a/b/../../c"])
def test_a_profile_that_does_not_ship_has_no_price(profile: str | None) -> None:
    device = DEVICE.model_copy(update={"profile": profile})
    (sample,) = samples_of(record(device=device), "a")
    assert sample.machine.price_usd is None


def test_watts_of_other_tiers_are_shown_side_by_side_and_never_ranked() -> None:
    counter = WALL._replace(method="counter:rapl", scope="package", quality="B")
    (one,), (two,) = (
        samples_of(record(device=DEVICE.model_copy(update={"id": name})), "a") for name in "ab"
    )

    def footnotes(other: Figure) -> tuple[str, ...]:
        samples = (one._replace(energy=(WALL,)), two._replace(energy=(other,)))
        return compare([SideSamples("a", 2, samples, {})]).footnotes

    assert any("say nothing about which device takes less" in each for each in footnotes(counter))
    assert not any("which device takes less" in each for each in footnotes(WALL))
