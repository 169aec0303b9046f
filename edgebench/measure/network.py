"""Network namespaces, what the kernel counted inside one, and traces of network system calls.

Standard library only: a worker reads this before it has an engine.
"""

from __future__ import annotations

import ctypes
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from edgebench.backends import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterable

CLONE_NEWUSER, CLONE_NEWNET = 0x1000_0000, 0x4000_0000
_CALL = re.compile(r"^(?:\[pid +)?(?P<pid>\d+)?\]? *(?P<name>\w+)\((?P<rest>.*)$")
_FAMILY = re.compile(r"\b(?:AF|PF)_([A-Z0-9]+)\b")
_SENDING = frozenset({"connect", "sendto", "sendmsg", "sendmmsg"})
_LOOPBACK = re.compile(r'"(?:127\.|::1")')
FAMILIES = ("unix", "inet", "inet6", "netlink", "other")
# Attempts to send out of this namespace, whether they got anywhere or not (RFC 2013, RFC 4022).
_COUNTERS = (("Tcp", "ActiveOpens"), ("Udp", "OutDatagrams"), ("Ip", "OutNoRoutes"))


def enter_empty_namespace() -> None:
    """Move this process, which must have one thread, into a network namespace of its own.

    There is no interface in it but a loopback that is down. Without privileges a user namespace
    comes with it. Raises EngineError where the kernel or its policy refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if user == 0 and libc.unshare(CLONE_NEWNET) == 0:
        return
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        why = os.strerror(ctypes.get_errno())
        raise EngineError(f"the kernel allows no network namespace here: {why}")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1", encoding="ascii")


def interfaces(root: Path = Path("/")) -> tuple[str, ...]:
    """Of this process's namespace, without loopback."""
    lines = (root / "proc/self/net/dev").read_text(encoding="ascii").splitlines()[2:]
    names = (line.partition(":")[0].strip() for line in lines)
    return tuple(name for name in names if name != "lo")


def attempts(root: Path = Path("/")) -> int | None:
    """Connections opened, datagrams sent and packets without a route in this namespace so far.

    Those to loopback are among them. None where the kernel does not say.
    """
    try:
        lines = (root / "proc/self/net/snmp").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    tables: dict[str, dict[str, int]] = {}
    for names, numbers in zip(lines[::2], lines[1::2], strict=False):
        kind, _, rest = names.partition(":")
        values = numbers.partition(":")[2].split()
        tables[kind] = dict(zip(rest.split(), map(int, values), strict=False))
    try:
        return sum(tables[kind][name] for kind, name in _COUNTERS)
    except KeyError:
        return None


def counted(trace: Iterable[str]) -> dict[str, float | None]:
    """Calls in a trace of `strace -f -e trace=network`, by family and by where they led.

    `outbound_calls` are those that name an internet address other than loopback to connect or send
    to; unix, netlink and loopback are counted apart. What names no address is a socket call and
    no more: without a connection it led nowhere.
    """
    found: dict[str, float | None] = dict.fromkeys(
        ["network_calls", "outbound_calls", "loopback_calls", "local_calls"], 0.0
    )
    found |= dict.fromkeys([f"sockets_{family}" for family in FAMILIES], 0.0)
    for line in trace:
        match = _CALL.match(line.strip())
        if match is None:
            continue
        _add(found, "network_calls")
        family = _FAMILY.search(match["rest"])
        name = family[1].lower() if family else None
        if match["name"] == "socket" and name:
            _add(found, f"sockets_{name if name in FAMILIES else 'other'}")
        elif match["name"] in _SENDING and name:
            _add(found, _where(name, match["rest"]))
    return found


def _where(family: str, rest: str) -> str:
    if family not in ("inet", "inet6"):
        return "local_calls"
    return "loopback_calls" if _LOOPBACK.search(rest) else "outbound_calls"


def _add(found: dict[str, float | None], name: str) -> None:
    found[name] = (found[name] or 0.0) + 1
