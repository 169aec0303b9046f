"""What `edgebench doctor` found: what can be measured here, and `why_not` for what cannot.

Everywhere in this document `why_not` is a sentence with its remedy, or null for what is usable.
"""

from __future__ import annotations

from typing import Literal

from edgebench.schema import Strict, Whole
from edgebench.schema.device import Device
from edgebench.schema.note import Note


class Usable(Strict):
    """One thing by its name."""

    name: str
    why_not: str | None


class EngineFound(Strict):
    """A backend as it answered in a process of its own; what it did not say is empty or null.

    `stand_in` marks those that cannot make a machine ready: the fake, and the reference that the
    others are held against.
    """

    backend: str
    stand_in: bool
    why_not: str | None
    name: str | None
    version: str | None
    build: str | None
    formats: tuple[str, ...]
    isas: tuple[Usable, ...]
    devices: tuple[Usable, ...]


class DeviceFound(Strict):
    """Where engines could run: hardware by name, its driver, and the backends that can use it."""

    name: str
    hardware: tuple[str, ...]
    driver: str | None
    backends: tuple[str, ...]
    why_not: str | None


class EnergySource(Strict):
    """A power meter (`kind`), and the parts that it tells of; null where it cannot be read."""

    kind: str
    name: str | None
    why_not: str | None


class CacheFound(Strict):
    """Where models are kept; `~` stands for the home folder."""

    path: str
    free_bytes: Whole | None
    why_not: str | None


class ModelFound(Strict):
    """The model that `edgebench run` takes by default. Not cached, it is fetched from `sources`."""

    name: str
    quant: str
    size_bytes: Whole | None
    cached: bool
    sources: tuple[str, ...]
    why_not: str | None


class Checkup(Strict):
    """`problems` are the sentences that keep the machine from being ready; empty when it is."""

    schema_version: Literal[1] = 1
    edgebench_version: str
    device: Device
    engines: tuple[EngineFound, ...]
    devices: tuple[DeviceFound, ...]
    energy: tuple[EnergySource, ...]
    cache: CacheFound
    model: ModelFound
    disturbances: tuple[Note, ...]
    problems: tuple[str, ...]

    @property
    def ready(self) -> bool:
        return not self.problems
