"""Backends and meters by name, through entry points; ours are found as a stranger's are."""

from __future__ import annotations

from importlib.metadata import entry_points

from edgebench.errors import UnknownName

BACKENDS = "edgebench.backends"
METERS = "edgebench.meters"


def backend_names() -> tuple[str, ...]:
    """Names of the installed backends, without importing any."""
    return _names(BACKENDS)


def backend_target(name: str) -> str:
    """`module:Class` of a backend, for the worker to import. Raises UnknownName."""
    return _target(BACKENDS, "backend", name)


def meter_names() -> tuple[str, ...]:
    """Names of the installed power meters, without importing any."""
    return _names(METERS)


def meter_target(name: str) -> str:
    """`module:Class` of a power meter. Raises UnknownName."""
    return _target(METERS, "meter", name)


def _names(group: str) -> tuple[str, ...]:
    return tuple(sorted(entry.name for entry in entry_points(group=group)))


def _target(group: str, kind: str, name: str) -> str:
    for entry in entry_points(group=group):
        if entry.name == name:
            return entry.value
    raise UnknownName.of(kind, name, _names(group))
