"""Hardware profiles: reading them, and which of them this machine is.

A profile's id is its path below hardware/ without the ending: `raspberry-pi/5`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench import files
from edgebench.errors import BadInput, UnknownName
from edgebench.schema.hardware import Profile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from edgebench.schema.device import Cluster, Device
    from edgebench.schema.hardware import CpuRule, Match

Profiles = dict[str, Profile]


class Identity(NamedTuple):
    """What match rules are compared with."""

    compatible: tuple[str, ...]
    model: str
    dmi_vendor: str
    dmi_product: str
    clusters: tuple[Cluster, ...]
    gpus: tuple[str, ...]
    logical_cpus: int
    virtual: bool


def folder() -> Path:
    """Where the profiles that ship with edgebench lie."""
    return files.packaged("hardware")


def load(root: Path) -> Profiles:
    """Every profile below `root`, by id. Raises BadInput, with file and line, for a bad one."""
    paths = sorted(root.glob("*/*.yaml"))
    if not paths:
        raise BadInput(f"{root} holds no profile.", "They lie at <vendor>/<board>.yaml.")
    return {profile_id(path): files.read_yaml(path, Profile) for path in paths}


def profile_id(path: Path) -> str:
    """`hardware/raspberry-pi/5.yaml` -> `raspberry-pi/5`."""
    return f"{path.parent.name}/{path.stem}"


def find(profiles: Profiles, name: str) -> Profile:
    """The profile of that id. Raises UnknownName with the closest one offered."""
    if name not in profiles:
        raise UnknownName.of("hardware profile", name, profiles)
    return profiles[name]


def profile_of(device: Device, profiles: Profiles | None = None) -> str | None:
    """The id of the profile that this machine is; None where no profile knows it.

    Raises BadInput where two profiles match.
    """
    found = matching(identity(device), load(folder()) if profiles is None else profiles)
    if len(found) > 1:
        raise BadInput(
            f"Two hardware profiles match this machine: {' and '.join(found)}.",
            "Add to the `match` of one of them what the other does not have.",
        )
    return found[0] if found else None


def matching(machine: Identity, profiles: Mapping[str, Profile]) -> list[str]:
    """The ids of all profiles that hold. An accelerator is what its machine is named by."""
    found = [name for name, each in profiles.items() if not why_not(each, machine)]
    accelerators = [name for name in found if profiles[name].kind == "accelerator"]
    return accelerators or found


def why_not(profile: Profile, machine: Identity) -> list[str]:
    """What keeps the machine from being this board, by its nearest rules; empty where it is."""
    return min(([*obstacles(rules, machine)] for rules in profile.match), key=len)


def reasons(device: Device, profiles: Mapping[str, Profile]) -> list[tuple[str, list[str]]]:
    """Every profile that this machine is not, with what speaks against it; the nearest first."""
    machine = identity(device)
    found = [(name, why_not(profile, machine)) for name, profile in profiles.items()]
    return sorted((each for each in found if each[1]), key=lambda each: len(each[1]))


def is_board(name: str, profile: Profile, device: Device) -> bool:
    """Whether a recorded device is that board: by its record, else by the rules of today."""
    if device.profile is not None:
        return device.profile == name
    return not why_not(profile, identity(device))


def identity(device: Device) -> Identity:
    """The part of a device that rules are about; empty for what it does not say."""
    firmware = device.firmware
    return Identity(
        compatible=firmware.compatible if firmware else (),
        model=(firmware.model if firmware else None) or device.board or "",
        dmi_vendor=(firmware.dmi_vendor if firmware else None) or "",
        dmi_product=(firmware.dmi_product if firmware else None) or "",
        clusters=device.clusters,
        gpus=device.gpus,
        logical_cpus=device.logical_cpus,
        virtual=device.hypervisor is not None,
    )


def obstacles(rules: Match, machine: Identity) -> Iterator[str]:
    """Each rule that does not hold, as a sentence; nothing where the machine is this board."""
    yield from _whole("compatible", rules.compatible, machine.compatible)
    yield from _part("model", rules.model_contains, (machine.model,))
    yield from _whole("dmi_vendor", rules.dmi_vendor, (machine.dmi_vendor,))
    yield from _part("dmi_product", rules.dmi_product_contains, (machine.dmi_product,))
    yield from _part("gpu", rules.gpu_contains, machine.gpus)
    for rule in rules.cpus:
        if not any(_is(cluster, rule) for cluster in machine.clusters):
            yield f"cpus: no cluster with {_shown(rule)}; there is {_clusters(machine)}."
    if rules.logical_cpus and machine.logical_cpus not in rules.logical_cpus:
        wanted = " or ".join(map(str, rules.logical_cpus))
        yield f"logical_cpus: {machine.logical_cpus}, wanted {wanted}."
    if rules.virtual is not None and rules.virtual != machine.virtual:
        yield f"virtual: {str(machine.virtual).lower()}, wanted {str(rules.virtual).lower()}."


def _whole(name: str, wanted: tuple[str, ...], found: tuple[str, ...]) -> Iterator[str]:
    if wanted and not {each.lower() for each in wanted} & {each.lower() for each in found}:
        yield f"{name}: {_list(found)}, wanted {' or '.join(wanted)}."


def _part(name: str, wanted: tuple[str, ...], found: tuple[str, ...]) -> Iterator[str]:
    texts = [each.lower() for each in found]
    if wanted and not any(part.lower() in text for part in wanted for text in texts):
        yield f"{name}: {_list(found)}, wanted something with {' or '.join(wanted)}."


def _is(cluster: Cluster, rule: CpuRule) -> bool:
    """ARM's numbers and x86's are compared whole, the name in part."""
    same = all(
        wanted is None or wanted == found
        for wanted, found in (
            (rule.implementer, cluster.implementer),
            (rule.part, cluster.part),
            (rule.vendor, cluster.vendor),
            (rule.family, cluster.family),
            (rule.model, cluster.model),
            (rule.name, cluster.name),
            (rule.count, len(cluster.cpus)),
        )
    )
    return same and (rule.name_contains or "").lower() in (cluster.name or "").lower()


def _shown(rule: CpuRule) -> str:
    given = {name: value for name, value in rule if value is not None}
    return ", ".join(f"{name} {value}" for name, value in given.items())


def _clusters(machine: Identity) -> str:
    numbers = (
        f"{c.name or 'unknown'} ({c.implementer} {c.part})"
        if c.implementer
        else f"{c.name or 'unknown'} ({c.vendor} {c.family} {c.model})"
        for c in machine.clusters
    )
    return _list(tuple(numbers))


def _list(found: tuple[str, ...]) -> str:
    return ", ".join(each for each in found if each) or "nothing"
