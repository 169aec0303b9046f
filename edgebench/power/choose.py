"""Which meters are read: all that can be, none, or those that were named."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast, get_args

from edgebench import plugins
from edgebench.errors import BadInput, NotUsableHere, UnknownName
from edgebench.power.idle import idle_energy
from edgebench.power.plausible import LIMITS
from edgebench.power.sampler import Log, Sampler
from edgebench.power.wallmeter import WallMeter
from edgebench.schema.doctor import EnergySource
from edgebench.schema.energy import METHOD, Quality

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgebench.power import Meter
    from edgebench.schema.energy import Energy

AUTO, NONE = "auto", "none"
# Two ways to the same counter: `auto` takes the second where the first cannot be read.
INSTEAD = {"perf": "powercap", "nvml-power": "nvml", "battery-energy": "battery"}

OF_GPUS = {"nvml", "nvml-power"}


class Metering(NamedTuple):
    """What is read while workers run, and while none does."""

    meters: tuple[Meter, ...] = ()
    logs: tuple[Log, ...] = ()

    def sampler(self) -> Sampler:
        return Sampler(self.meters, self.logs)

    def idle(self) -> tuple[Energy, ...]:
        return idle_energy(self.meters, self.logs, root=Path("/"))


def metering(
    names: Sequence[str], wall_meter: Path | None, wall_offset_s: float, *, gpu: bool
) -> Metering:
    """Meters by name, and the wall meter's log. Raises EdgebenchError for what cannot be read.

    `gpu` says whether a model runs on one: asking a GPU that sleeps would wake it up.
    """
    logs: tuple[Log, ...] = ()
    if wall_meter is None and wall_offset_s != 0:
        raise BadInput("--wall-clock-offset is a wall meter's.", "Name its log by --wall-meter.")
    if wall_meter is not None:
        log = WallMeter(wall_meter, wall_offset_s)
        log.check()
        logs = (log,)
    meters = {} if tuple(names) == (NONE,) else installed()
    return Metering(chosen(names, meters, gpu=gpu), logs)


def installed() -> dict[str, Meter]:
    """Every meter by name, ours and strangers', with nothing opened yet."""
    return {name: _made(name, plugins.meter_target(name)) for name in plugins.meter_names()}


def chosen(names: Sequence[str], meters: Mapping[str, Meter], *, gpu: bool) -> tuple[Meter, ...]:
    """The meters to read. Raises UnknownName, BadInput, and NotUsableHere for one that cannot."""
    if tuple(names) == (NONE,):
        return ()
    if tuple(names) == (AUTO,):
        asked = {name: each for name, each in meters.items() if gpu or name not in OF_GPUS}
        names = usable(asked)
    for name in names:
        if name in (AUTO, NONE):
            raise BadInput(f"--meters {name} goes with no other name.", "Name meters, or it alone.")
        if name not in meters:
            raise UnknownName.of("meter", name, meters, "'edgebench doctor' says more.")
        if reason := meters[name].why_not():
            raise NotUsableHere(f"The meter {name} cannot be read here.", reason)
        refuse_unrecordable(name, meters[name])
    return tuple(meters[name] for name in names)


def usable(meters: Mapping[str, Meter]) -> tuple[str, ...]:
    """Names of those that can be read here, without second ways to the same thing."""
    able = [name for name, meter in meters.items() if meter.why_not() is None]
    return tuple(name for name in able if INSTEAD.get(name) not in able)


def energy_sources(meters: Mapping[str, Meter]) -> tuple[EnergySource, ...]:
    """What `edgebench doctor` lists: each meter's parts, or in its own words why not."""
    return tuple(
        EnergySource(kind=name, name=None, why_not=reason)
        if (reason := meter.why_not())
        else EnergySource(
            kind=name, name=", ".join(domain.name for domain in meter.domains()), why_not=None
        )
        for name, meter in meters.items()
    )


def _made(name: str, target: str) -> Meter:
    module, _, attribute = target.partition(":")
    try:
        made = getattr(import_module(module), attribute)()
    except Exception as error:
        raise NotUsableHere(
            f"The meter {name} cannot be loaded ({type(error).__name__}: {error}).",
            "Remove its package, or use --meters none.",
        ) from error
    return cast("Meter", made)


def refuse_unrecordable(name: str, meter: Meter) -> None:
    """Raises BadInput for a stranger's meter whose figures a record could not hold."""
    sound = (
        re.fullmatch(METHOD, meter.method)
        and meter.quality in get_args(Quality)
        and meter.kind in ("energy", "power")
        and min(meter.update_every_s, meter.read_every_s) > 0
        and all(domain.scope in LIMITS for domain in meter.domains())
    )
    if not sound:
        raise BadInput(
            f"The meter {name} does not say what it is in words that a record knows.",
            "See edgebench/power/__init__.py and edgebench/schema/energy.py.",
        )
