"""The software bill of materials: CycloneDX 1.6 JSON, from requirements.lock and nothing else.

The same lock gives the same bytes. Each component has its package URL, and as an external reference
of the type `distribution` the hashes of the files that the lock accepts, any one of which is
installed. What only developers need is left out. `python -m scripts.sbom` prints it.
"""

from __future__ import annotations

import json
import re
import tomllib
import uuid
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from edgebench import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"
ENTRY = re.compile(
    r"^([A-Za-z0-9._-]+)==([^\s;]+)(?: ; ([^\\\n]+?))?(?: \\)?\n((?:    --hash=.*\n?)+)",
    re.MULTILINE,
)
HASH = re.compile(r"sha256:([0-9a-f]{64})")
# The machine that the bill is of; markers are answered for it, wherever the bill is made.
MACHINE = {
    "implementation_name": "cpython", "implementation_version": "3.11.0", "os_name": "posix",
    "platform_machine": "x86_64", "platform_python_implementation": "CPython",
    "platform_release": "", "platform_system": "Linux", "platform_version": "",
    "python_full_version": "3.11.0", "python_version": "3.11", "sys_platform": "linux",
}  # fmt: skip
# Not locked: docs/decisions/0010-torch-as-a-baseline.md.
UNLOCKED_EXTRAS = {"torch"}


class Locked(NamedTuple):
    """One entry of the lock; `hashes` are the SHA-256 of its files."""

    name: str
    version: str
    hashes: tuple[str, ...]

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def locked(text: str) -> dict[str, Locked]:
    """The entries of a lock file that hold on MACHINE, by their normalized names."""
    found = [
        Locked(canonicalize_name(name), version, tuple(sorted(HASH.findall(hashes))))
        for name, version, marker, hashes in ENTRY.findall(text)
        if not marker or Marker(marker).evaluate(MACHINE)
    ]
    return {each.name: each for each in found}


def text(epoch_s: int) -> str:
    """The document, as of that moment."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entries = locked(LOCK.read_text(encoding="utf-8"))
    graph = _graph(project, entries)
    required = _reach(graph, _needed(project["dependencies"], entries))
    document = _document(graph, entries, required, epoch_s)
    content = json.dumps(document, sort_keys=True)
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}"
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _graph(project: Mapping[str, Any], entries: Mapping[str, Locked]) -> dict[str, list[str]]:
    """What each package needs directly, edgebench and its extras included."""
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"]]
    asked += [each for extra in extras if extra not in UNLOCKED_EXTRAS for each in extras[extra]]
    graph = {"edgebench": _needed(asked, entries)}
    waiting = list(graph["edgebench"])
    while waiting:
        name = waiting.pop()
        if name not in graph:
            graph[name] = _needed(_told(name), entries)
            waiting += graph[name]
    return graph


def _told(name: str) -> list[str]:
    """What an installed package says that it needs; the lock itself keeps only the result."""
    try:
        return requires(name) or []
    except PackageNotFoundError:
        raise SystemExit(f"{name} is locked and not installed: sh scripts/install.sh") from None


def _needed(asked: Iterable[str], entries: Mapping[str, Locked]) -> list[str]:
    wanted = [Requirement(each) for each in asked]
    names = {
        canonicalize_name(each.name)
        for each in wanted
        if each.marker is None or each.marker.evaluate({**MACHINE, "extra": ""})
    }
    return sorted(name for name in names if name in entries)


def _reach(graph: Mapping[str, list[str]], begin: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(begin)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += graph[name]
    return found


def _document(
    graph: Mapping[str, list[str]],
    entries: Mapping[str, Locked],
    required: set[str],
    epoch_s: int,
) -> dict[str, Any]:
    own = f"pkg:pypi/edgebench@{__version__}"
    references = {name: entries[name].purl for name in graph if name != "edgebench"}
    references["edgebench"] = own
    components = [
        _component(entries[name], optional=name not in required)
        for name in sorted(graph)
        if name != "edgebench"
    ]
    depend = [
        {"ref": references[name], "dependsOn": [references[each] for each in graph[name]]}
        for name in sorted(graph)
    ]
    main = {"type": "application", "name": "edgebench", "version": __version__, "purl": own,
            "bom-ref": own, "licenses": [{"license": {"id": "Apache-2.0"}}]}  # fmt: skip
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": f"{datetime.fromtimestamp(epoch_s, UTC):%Y-%m-%dT%H:%M:%SZ}",
            "component": main,
        },
        "components": components,
        "dependencies": depend,
    }


def _component(each: Locked, *, optional: bool) -> dict[str, Any]:
    """`optional` is what only an extra brings."""
    hashes = [{"alg": "SHA-256", "content": content} for content in each.hashes]
    return {
        "type": "library",
        "name": each.name,
        "version": each.version,
        "purl": each.purl,
        "bom-ref": each.purl,
        "scope": "optional" if optional else "required",
        "externalReferences": [{"type": "distribution", "url": each.purl, "hashes": hashes}],
    }


if __name__ == "__main__":
    from scripts.release import source_date

    print(text(source_date(ROOT)), end="")
