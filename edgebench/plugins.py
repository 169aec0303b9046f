"""Backends by name, through entry points; ours are found the same way as a stranger's."""

from __future__ import annotations

from importlib.metadata import entry_points

from edgebench.errors import UnknownName

BACKENDS = "edgebench.backends"


def backend_names() -> tuple[str, ...]:
    """Names of the installed backends, without importing any."""
    return tuple(sorted(entry.name for entry in entry_points(group=BACKENDS)))


def backend_target(name: str) -> str:
    """`module:Class` of a backend, for the worker to import. Raises UnknownName."""
    for entry in entry_points(group=BACKENDS):
        if entry.name == name:
            return entry.value
    raise UnknownName.of("backend", name, backend_names())
