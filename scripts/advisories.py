"""Advisories in the OSV format that lie in a folder: which are about a version of a package.

For clones of pypa/advisory-database (YAML) and of github/advisory-database (JSON), and for what OSV
itself hands out, unpacked. The format, and how a version is found in a range, are those of the OSV
specification: https://ossf.github.io/osv-schema/.
"""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from datetime import date, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import yaml
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import BaseModel, BeforeValidator, ValidationError

from edgebench.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence
    from pathlib import Path

REMEDY = (
    "Give a clone of pypa/advisory-database: git clone --depth 1 "
    "https://github.com/pypa/advisory-database"
)
MENDABLE = "Take the file out, or fetch the advisories anew."
# Every scalar is text to this one: no version becomes a number, no time a date.
LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
SUFFIXES = {".json", ".yaml", ".yml"}
BEFORE_ALL = Version("0.dev0")

NoneIsEmpty = BeforeValidator(lambda given: given or [])


class Package(BaseModel):
    ecosystem: str
    name: str

    def known_as(self) -> str:
        """The normalized name in Python's ecosystem; empty for a package of another one."""
        return canonicalize_name(self.name) if self.ecosystem.split(":")[0] == "PyPI" else ""


class Range(BaseModel):
    type: str
    events: list[dict[str, str]]


class Affected(BaseModel):
    package: Package | None = None
    ranges: Annotated[list[Range], NoneIsEmpty] = []
    versions: Annotated[list[str], NoneIsEmpty] = []

    @property
    def name(self) -> str:
        return self.package.known_as() if self.package else ""

    def events(self) -> Iterator[list[dict[str, str]]]:
        """Of the ranges whose events are versions; those of others are commits."""
        return (each.events for each in self.ranges if each.type in {"ECOSYSTEM", "SEMVER"})

    def holds(self, version: Version) -> bool:
        return any(_same(version, each) for each in self.versions) or any(
            within(version, events) for events in self.events()
        )


class Record(BaseModel):
    """One advisory; fields that nothing here reads are left out."""

    id: str
    modified: datetime
    withdrawn: str | None = None
    aliases: Annotated[list[str], NoneIsEmpty] = []
    summary: str | None = None
    details: str | None = None
    affected: Annotated[list[Affected], NoneIsEmpty] = []

    def names(self) -> set[str]:
        return {each.name for each in self.affected} - {""}

    def fixed(self, name: str, above: Version) -> list[str]:
        """The versions of `name` later than `above` that are mended, in order."""
        told = {
            event["fixed"]
            for each in self.affected
            if each.name == name
            for events in each.events()
            for event in events
            if "fixed" in event
        }
        later = [found for text in told if (found := _version(text)) and found > above]
        return [str(each) for each in sorted(later)]


class Advisories(NamedTuple):
    """What a folder tells of the packages asked for; `total` is of all Python packages."""

    folder: Path
    total: int
    day: date
    commit: str
    records: Mapping[str, Sequence[Record]]

    def about(self, name: str, version: str) -> list[Record]:
        """Those that are not withdrawn and hold for this version; `name` in any spelling."""
        asked, key = Version(version), canonicalize_name(name)
        return [
            record
            for record in self.records.get(key, ())
            if not record.withdrawn
            and any(each.name == key and each.holds(asked) for each in record.affected)
        ]


def read(folder: Path, names: Container[str], today: date) -> Advisories:
    """Every advisory beneath `folder`; kept are those about `names`, which are normalized.

    Their day is that of the last commit, else that of the newest record; some are dated in the
    future by mistake, and do not count for that. Raises BadInput where there is no advisory, and
    where a file cannot be read: it might have been one.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder} is not a folder.", REMEDY)
    kept: dict[str, list[Record]] = defaultdict(list)
    total, newest = 0, date.min
    for record in _records(folder):
        total += 1
        if record.modified.date() <= today:
            newest = max(newest, record.modified.date())
        for name in record.names():
            if name in names:
                kept[name].append(record)
    if not total:
        raise BadInput(f"{folder} holds no advisories about Python packages.", REMEDY)
    commit, day = _committed(folder)
    return Advisories(folder, total, day or newest, commit, dict(kept))


def within(version: Version, events: Sequence[Mapping[str, str]]) -> bool:
    """Whether a range holds for `version`; one whose versions nobody can order does."""
    told = [(kind, text) for event in events for kind, text in event.items() if text != "*"]
    try:
        points = sorted(((_point(text), kind) for kind, text in told), key=itemgetter(0))
    except InvalidVersion:
        return True
    limits = [at for at, kind in points if kind == "limit"]
    held = False
    for at, kind in points:
        if kind == "introduced" and version >= at:
            held = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            held = False
    return held and (not limits or version < limits[-1])


def _records(folder: Path) -> Iterator[Record]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix in SUFFIXES and not hidden and path.is_file():
            told = _parsed(path)
            if isinstance(told, dict) and {"id", "modified"} <= told.keys():
                record = _record(path, told)
                if record.names():
                    yield record


def _parsed(path: Path) -> object:
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else yaml.load(text, LOADER)  # noqa: S506
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        said = str(error).splitlines()[0]
        raise BadInput(f"{path} cannot be read as an advisory: {said}.", MENDABLE) from None


def _record(path: Path, told: dict[str, Any]) -> Record:
    try:
        return Record.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInput(f"{path} is no advisory: {where}: {first['msg']}.", MENDABLE) from None


def _committed(folder: Path) -> tuple[str, date | None]:
    """Last commit that touched the folder, and its day; nothing of a folder git does not track."""
    command = ("git", "-C", str(folder), "log", "-1", "--format=%h %cs", "--", ".")
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        return "", None
    return (told[0], date.fromisoformat(told[1])) if told else ("", None)


def _point(text: str) -> Version:
    return BEFORE_ALL if text == "0" else Version(text)


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _same(version: Version, text: str) -> bool:
    return _version(text) == version
