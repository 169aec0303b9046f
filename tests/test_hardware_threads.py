"""Default threads: one kind of core, a thread per core, inside mask and quota."""

from __future__ import annotations

from typing import Any

import pytest

from edgebench.machine.threads import default_threads
from edgebench.schema.device import Cluster, CoreKind
from tests.results_maker import DEVICE


def cluster(first: int, cpus: int, name: str | None = None, **fields: Any) -> Cluster:
    plain: dict[str, Any] = {
        "cpus": tuple(range(first, first + cpus)), "name": name, "vendor": None, "cores": cpus,
    }  # fmt: skip
    return Cluster(**(plain | fields))


def intel(first: int, cores: int, kind: CoreKind, cpus: int, khz: int) -> Cluster:
    return cluster(first, cpus, "i9", kind=kind, cores=cores, max_frequency_khz=khz)


RK3588 = (cluster(0, 4, "Cortex-A55", max_frequency_khz=1_800_000, capacity=414),
          cluster(4, 2, "Cortex-A76", max_frequency_khz=2_256_000, capacity=1010),
          cluster(6, 2, "Cortex-A76", max_frequency_khz=2_304_000, capacity=1024))  # fmt: skip
PIXEL_8 = (cluster(0, 4, "Cortex-A510", max_frequency_khz=1_704_000),
           cluster(4, 4, "Cortex-A715", max_frequency_khz=2_367_000),
           cluster(8, 1, "Cortex-X3", max_frequency_khz=2_914_000))  # fmt: skip
SNAPDRAGON_X = (cluster(0, 4, "Oryon", max_frequency_khz=3_801_600),
                cluster(4, 8, "Oryon", max_frequency_khz=4_300_800))  # fmt: skip
SNAPDRAGON_855 = (cluster(0, 4, "Cortex-A55", max_frequency_khz=1_785_600),
                  cluster(4, 3, "Cortex-A76", max_frequency_khz=2_419_200),
                  cluster(7, 1, "Cortex-A76", max_frequency_khz=2_841_600))  # fmt: skip
SLOW_HALF = (cluster(0, 4, "Cortex-A53", max_frequency_khz=900_000),
             cluster(4, 4, "Cortex-A53", max_frequency_khz=2_000_000))  # fmt: skip
ALDER_LAKE = (intel(0, 8, "performance", 16, 5_200_000), intel(16, 8, "efficiency", 8, 3_900_000))
M1 = (cluster(0, 4, "Icestorm"), cluster(4, 4, "Firestorm"))
EVEN = (cluster(0, 8, cores=4),)


@pytest.mark.parametrize(
    ("clusters", "fields", "why"),
    [
        (EVEN, {}, "4: 4 physical cores."),
        (EVEN, {"cgroup_cpu_limit": 2.5, "usable_cpus": 2},
         "2: of 4 physical cores, the cgroup allows 2.5 CPUs."),
        (EVEN, {"affinity": "0-1", "usable_cpus": 2},
         "2: of 4 physical cores, this process may use 2."),
        (RK3588, {}, "4: 4 physical cores of one kind (Cortex-A76, CPUs 4-7)."),
        (PIXEL_8, {}, "4: 4 physical cores of one kind (Cortex-A715, CPUs 4-7)."),
        (SNAPDRAGON_X, {}, "12: 12 physical cores."),
        (SNAPDRAGON_X, {"affinity": "0,4-11", "usable_cpus": 9},
         "8: 8 physical cores of one kind (Oryon, CPUs 4-11)."),
        (SNAPDRAGON_855, {}, "4: 4 physical cores of one kind (Cortex-A76, CPUs 4-7)."),
        (SLOW_HALF, {}, "4: 4 physical cores of one kind (Cortex-A53, CPUs 4-7)."),
        (ALDER_LAKE, {}, "8: 8 physical cores of one kind (i9, CPUs 0-15)."),
        (ALDER_LAKE, {"affinity": "16-19", "usable_cpus": 4},
         "4: 4 physical cores of one kind (i9, CPUs 16-19)."),
        (M1, {}, "4: 4 physical cores of one kind (Firestorm, CPUs 4-7)."),
    ],
)  # fmt: skip
def test_the_number_and_the_reason(
    clusters: tuple[Cluster, ...], fields: dict[str, Any], why: str
) -> None:
    cpus = sum(len(each.cpus) for each in clusters)
    plain: dict[str, Any] = {
        "clusters": clusters, "logical_cpus": cpus, "usable_cpus": cpus,
        "physical_cores": sum(each.cores or 0 for each in clusters),
    }  # fmt: skip
    found = default_threads(DEVICE.model_copy(update=plain | fields))

    assert found.why == why
    assert why.startswith(f"{found.number}:")


def test_threads_are_counted_on_the_cpus_that_workers_are_kept_on() -> None:
    two = DEVICE.model_copy(update={"clusters": EVEN, "usable_cpus": 8, "physical_cores": 4})
    assert default_threads(two, "0").why == "1: of 4 physical cores, this process may use 1."
    assert default_threads(two, "0-7").number == 4
