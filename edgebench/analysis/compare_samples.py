"""What comparing needs of records: of each cell one number per launch and metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgebench.analysis.energy import Figure
    from edgebench.analysis.imported import ForeignCell
    from edgebench.schema.cell import Cell
    from edgebench.schema.comparison import Metric

HIGHER_IS_BETTER: frozenset[Metric] = frozenset({"prefill_tok_s", "decode_tok_s"})

# Of a device: what may differ between two sessions on it and explains a difference.
CIRCUMSTANCES = ("kernel", "operating_system", "memory_total_bytes", "usable_cpus", "hypervisor",
                 "cgroup_cpu_limit", "cgroup_memory_limit_bytes", "environment")  # fmt: skip


class Machine(NamedTuple):
    """What comparing needs of a device. `bandwidth_gb_s` is by number of threads, where known."""

    id: str
    cores: int
    emulated: str | None
    circumstances: dict[str, object]
    bandwidth_gb_s: dict[int, float]
    price_usd: float | None = None


class Weights(NamedTuple):
    """What comparing needs of a model file."""

    label: str
    sha256: str
    model: str | None
    origin: str


class Sample(NamedTuple):
    """One cell of one record. `values` holds one number per round and metric.

    `no_speed` is the sentence that says why the cell shows no speed, or None; `verified` is False
    where nobody looked at its output; `unverified` says why it could not be judged, where its
    speed is shown all the same. `launches` are what tells its finished launches from others.
    `imported_from` names the tool that measured it, where that was not edgebench.
    """

    source: str
    run_id: str
    started_utc: str
    machine: Machine
    weights: Weights
    engine: str
    cell: Cell | ForeignCell
    label: str
    no_speed: str | None
    verified: bool
    launches: frozenset[str]
    contention: float
    values: dict[Metric, dict[int, float]]
    energy: tuple[Figure, ...] = ()
    looped: bool = False
    imported_from: str | None = None
    unverified: str | None = None


class SideSamples(NamedTuple):
    """One argument: its name, how many records it holds, and the samples that stand for it.

    `older` counts, by device and cell, samples that a later session on that device replaces.
    """

    name: str
    records: int
    samples: tuple[Sample, ...]
    older: Mapping[tuple[str, str], int]


def figures(sample: Sample, metric: Metric) -> list[float]:
    """One number per launch, in the order of rounds."""
    return list(sample.values.get(metric, {}).values())


def key(sample: Sample) -> tuple[str, str]:
    """Its device and its cell: sessions that agree in both measured the same.

    A cell that was looped for minutes is another thing than one that was launched a few times.
    """
    return sample.machine.id, sample.cell.id + " looped" * sample.looped


def share_launches(base: Sample, head: Sample) -> bool:
    """Whether launches of one are launches of the other: a record beside its own copy.

    Records that one gate wrote share their run's id, and no launch.
    """
    return base.cell.id == head.cell.id and not base.launches.isdisjoint(head.launches)


def interleaved(base: Sample, head: Sample) -> bool:
    """Whether both were launched in turns, round by round: they share the run's id."""
    return base.run_id == head.run_id


def in_pairs(base: Sample, head: Sample, metric: Metric) -> tuple[Sequence[float], Sequence[float]]:
    """The numbers of the rounds that both sides finished, place by place."""
    one, two = base.values.get(metric, {}), head.values.get(metric, {})
    both = sorted(set(one) & set(two))
    return [one[number] for number in both], [two[number] for number in both]
