"""Pairs of virtual network cards between namespaces, by iproute2's `ip`.

A namespace belongs to the processes in it, and a card to its namespace: when they end, the kernel
takes everything away, and nothing of this machine's own network was touched.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from edgebench.backends import EngineError

LIMIT_S = 20.0


class Cable(NamedTuple):
    """`here` is this end's name and address, `there` the other's; both in one small network."""

    here: str
    there: str
    here_address: str
    there_address: str


# Private addresses (RFC 1918) in namespaces that lead nowhere else.
CABLES = (
    Cable("edgebench0", "edgebench1", "10.77.1.1", "10.77.1.2"),
    Cable("edgebench2", "edgebench3", "10.77.2.1", "10.77.2.2"),
)


def why_not() -> str | None:
    return None if shutil.which("ip") else "iproute2's `ip` is not installed"


def lay(cable: Cable, pid: int) -> None:
    """From this namespace to that of the process `pid`. Raises EngineError."""
    _ip("link", "add", cable.here, "type", "veth", "peer", "name", cable.there, "netns", str(pid))
    plug(cable.here, cable.here_address)


def plug(name: str, address: str) -> None:
    """Give a card of this namespace its address, and switch it on. Raises EngineError."""
    _ip("address", "add", f"{address}/30", "dev", name)
    _ip("link", "set", name, "up")


def loopback() -> None:
    """Switch on this namespace's loopback. Raises EngineError."""
    _ip("link", "set", "lo", "up")


def carried(name: str, root: Path = Path("/")) -> tuple[int, int] | None:
    """Bytes and packets that a card of this namespace has sent and received, frames' heads too.

    None where there is no such card.
    """
    for line in (root / "proc/self/net/dev").read_text(encoding="ascii").splitlines():
        card, _, rest = line.partition(":")
        if card.strip() == name:
            numbers = list(map(int, rest.split()))
            return numbers[0] + numbers[8], numbers[1] + numbers[9]
    return None


def _ip(*arguments: str) -> None:
    command = shutil.which("ip")
    if command is None:
        raise EngineError("iproute2's `ip` is not installed")
    try:
        done = subprocess.run(
            [command, *arguments], capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise EngineError(f"ip {' '.join(arguments)} did not end") from None
    if done.returncode != 0:
        raise EngineError(f"ip {' '.join(arguments)}: {done.stderr.strip()[:200]}")
