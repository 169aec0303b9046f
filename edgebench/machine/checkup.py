"""The findings of `edgebench doctor`, put together. Pure: what was asked is passed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench import __version__
from edgebench.machine import isa_needs
from edgebench.schema.doctor import (
    CacheFound,
    Checkup,
    DeviceFound,
    EnergySource,
    EngineFound,
    ModelFound,
    Usable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgebench.machine.devices import Gpu
    from edgebench.measure.plan import Probe
    from edgebench.schema.device import Device
    from edgebench.schema.note import Note

# One plays a script, the other is what outputs are held against: neither is what people deploy.
STAND_INS = frozenset({"fake", "reference"})


class Asked(NamedTuple):
    """What the machine, its engines and its disk answered."""

    device: Device
    probes: Mapping[str, Probe]
    gpu: Gpu
    energy: tuple[EnergySource, ...]
    cache: CacheFound
    model: ModelFound
    disturbances: tuple[Note, ...]


def checkup(asked: Asked) -> Checkup:
    """Ready means: an engine that people deploy is usable, and models can be kept."""
    flags = frozenset(asked.device.cpu_flags)
    engines = tuple(_engine(name, probe, flags) for name, probe in asked.probes.items())
    return Checkup(
        edgebench_version=__version__,
        device=asked.device,
        engines=engines,
        devices=(_cpu(asked.device, engines), _cuda(asked.gpu, engines)),
        energy=asked.energy,
        cache=asked.cache,
        model=asked.model,
        disturbances=asked.disturbances,
        problems=_problems(engines, asked.cache),
    )


def _engine(backend: str, probe: Probe, flags: frozenset[str]) -> EngineFound:
    lacking = (isa for isa in probe.known_isas if isa not in probe.isas)
    return EngineFound(
        backend=backend,
        stand_in=backend in STAND_INS,
        why_not=probe.why_not,
        name=probe.name or None,
        version=probe.version or None,
        build=probe.build or None,
        formats=probe.formats,
        isas=(
            *(Usable(name=isa, why_not=None) for isa in probe.isas),
            *(Usable(name=isa, why_not=isa_needs.why_not(isa, flags)) for isa in lacking),
        ),
        devices=()
        if probe.why_not
        else tuple(Usable(name=n, why_not=why) for n, why in probe.why_not_devices.items()),
    )


def _cpu(device: Device, engines: tuple[EngineFound, ...]) -> DeviceFound:
    names = (c.name or c.part or "unknown CPU" for c in device.clusters)
    return DeviceFound(
        name="cpu",
        hardware=tuple(dict.fromkeys(names)),
        driver=None,
        backends=_that_can_use("cpu", engines),
        why_not=None,
    )


def _cuda(gpu: Gpu, engines: tuple[EngineFound, ...]) -> DeviceFound:
    """Usable where the GPU is and an engine can use it; whichever is missing says so."""
    backends = _that_can_use("cuda", engines)
    no_engine = None if backends else "No engine here can use it: each of them says why."
    return DeviceFound(
        name="cuda",
        hardware=gpu.names,
        driver=gpu.driver,
        backends=backends,
        why_not=gpu.why_not or no_engine,
    )


def _that_can_use(device: str, engines: tuple[EngineFound, ...]) -> tuple[str, ...]:
    usable = Usable(name=device, why_not=None)
    real = (engine for engine in engines if not engine.stand_in)
    return tuple(engine.backend for engine in real if usable in engine.devices)


def _problems(engines: tuple[EngineFound, ...], cache: CacheFound) -> tuple[str, ...]:
    real = [engine for engine in engines if not engine.stand_in]
    found = [cache.why_not] if cache.why_not else []
    if all(engine.why_not for engine in real):
        reasons = " ".join(engine.why_not for engine in real if engine.why_not)
        found.append(f"No engine is usable. {reasons}".strip())
    return tuple(found)
