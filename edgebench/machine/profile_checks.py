"""Are profiles sound together? No two of them may be the same machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench import files
from edgebench.errors import BadInput
from edgebench.machine.profile import Identity, matching, profile_id
from edgebench.schema.device import Cluster
from edgebench.schema.hardware import Profile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from edgebench.machine.profile import Profiles
    from edgebench.schema.hardware import CpuRule, Match


class Finding(NamedTuple):
    """What is wrong with a profile, with file and line; None: nothing."""

    file: str
    problem: str | None


def validate(paths: Iterable[Path], known: Path) -> list[Finding]:
    """One finding per profile; folders are searched. `known`: profiles that they may clash with.

    Raises BadInput for no profile.
    """
    files_ = [path for given in paths for path in _below(given)]
    if not files_:
        raise BadInput("There is no profile here.", "Name a .yaml file or a folder of them.")
    profiles, problems = _read(files_)
    whole = {**load_all(known), **{profile_id(path): profiles[path] for path in profiles}}
    lines = {profile_id(path): _place(path) for path in profiles}
    for name, other in clashes(whole):
        mine = name if name in lines else other
        if mine in lines:
            problems.setdefault(
                lines[mine].path,
                f"{lines[mine]}: match: a machine that is {name} also matches {other}. "
                "Add to one of them a rule that the other does not fulfil.",
            )
    return [Finding(str(path), problems.get(path)) for path in files_]


def load_all(folder: Path) -> Profiles:
    """The profiles of a folder that can be read; a broken neighbour is not this file's fault."""
    readable, _ = _read(sorted(folder.glob("*/*.yaml")))
    return {profile_id(path): profile for path, profile in readable.items()}


def clashes(profiles: Profiles) -> Iterator[tuple[str, str]]:
    """Pairs of ids of which the first is also taken for the second, by their own rules."""
    for name, profile in profiles.items():
        for rules in profile.match:
            others = _same_kind(profile, profiles)
            for other in matching(example(rules), others):
                if other != name:
                    yield name, other


def example(rules: Match) -> Identity:
    """The least machine for which these rules hold."""
    return Identity(
        compatible=rules.compatible[:1],
        model=" ".join(rules.model_contains[:1]),
        dmi_vendor="".join(rules.dmi_vendor[:1]),
        dmi_product="".join(rules.dmi_product_contains[:1]),
        clusters=tuple(_cluster(rule) for rule in rules.cpus),
        gpus=rules.gpu_contains[:1],
        logical_cpus=rules.logical_cpus[0] if rules.logical_cpus else 0,
        virtual=bool(rules.virtual),
    )


class _Place(NamedTuple):
    path: Path
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


def _place(path: Path) -> _Place:
    """Where the rules of a profile that could be read begin."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return _Place(path, next((n for n, ln in enumerate(lines, 1) if ln.startswith("match:")), 1))


def _below(given: Path) -> list[Path]:
    return sorted(given.rglob("*.yaml")) if given.is_dir() else [given]


def _read(paths: Iterable[Path]) -> tuple[dict[Path, Profile], dict[Path, str]]:
    profiles: dict[Path, Profile] = {}
    problems: dict[Path, str] = {}
    for path in paths:
        try:
            profiles[path] = files.read_yaml(path, Profile)
        except BadInput as error:
            problems[path] = str(error)
    return profiles, problems


def _same_kind(profile: Profile, profiles: Mapping[str, Profile]) -> Mapping[str, Profile]:
    """Accelerators are only compared with accelerators: any machine can hold one."""
    wanted = profile.kind == "accelerator"
    return {name: p for name, p in profiles.items() if (p.kind == "accelerator") == wanted}


def _cluster(rule: CpuRule) -> Cluster:
    return Cluster(
        cpus=tuple(range(rule.count or 1)),
        name=rule.name or rule.name_contains,
        vendor=rule.vendor,
        family=rule.family,
        model=rule.model,
        implementer=rule.implementer,
        part=rule.part,
    )
