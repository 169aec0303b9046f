"""What a trace of network system calls says: captured lines, and lines of a hostile shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.measure import network
from edgebench.measure.experiments.private_offline import may_trace

if TYPE_CHECKING:
    from pathlib import Path

# strace 6.1, `-f -e trace=network`: a name looked up, a page fetched, loopback, a socket of unix.
TRACE = """\
712   socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0) = 3
712   connect(3, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1
712   socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC|SOCK_NONBLOCK, IPPROTO_IP) = 3
713   connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("192.0.2.53")}, 16) = 0
713   sendto(3, "\\322\\10\\1\\0", 4, MSG_NOSIGNAL, NULL, 0) = 4
[pid 714] connect(4, {sa_family=AF_INET, sin_addr=inet_addr("127.0.0.1")}, 16) = -1
714   connect(4, {sa_family=AF_INET6, inet_pton(AF_INET6, "2001:db8::1", &sin6_addr)}, 28) = -1
714   connect(4, {sa_family=AF_INET6, inet_pton(AF_INET6, "::1", &sin6_addr)}, 28) = -1
714   socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE) = 5
714   sendto(5, [{nlmsg_len=20}], 20, 0, {sa_family=AF_NETLINK, nl_pid=0}, 12) = 20
714   socket(AF_BLUETOOTH, SOCK_STREAM, 0) = -1 EAFNOSUPPORT
714   +++ exited with 0 +++
712   --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---
"""


def test_calls_are_counted_by_family_and_by_where_they_lead() -> None:
    found = network.counted(TRACE.splitlines())
    assert found == {
        "network_calls": 11,
        "outbound_calls": 2,  # the name server, and the IPv6 host
        "loopback_calls": 2,
        "local_calls": 2,
        "sockets_unix": 1,
        "sockets_inet": 1,
        "sockets_inet6": 0,
        "sockets_netlink": 1,
        "sockets_other": 1,
    }


def test_a_quiet_program_made_no_call() -> None:
    assert network.counted(["712   +++ exited with 0 +++"])["network_calls"] == 0


def test_the_kernel_counts_attempts_in_a_namespace(tmp_path: Path) -> None:
    folder = tmp_path / "proc/self/net"
    folder.mkdir(parents=True)
    (folder / "snmp").write_text(
        "Ip: Forwarding OutNoRoutes\nIp: 1 3\n"
        "Tcp: RtoAlgorithm ActiveOpens PassiveOpens\nTcp: 1 2 0\n"
        "Udp: InDatagrams OutDatagrams\nUdp: 0 5\n"
    )
    assert network.attempts(tmp_path) == 10
    assert network.attempts(tmp_path / "nowhere") is None
    (folder / "snmp").write_text("Ip: Forwarding\nIp: 1\n")
    assert network.attempts(tmp_path) is None, "not 0: the kernel does not say"


def test_interfaces_but_loopback(tmp_path: Path) -> None:
    folder = tmp_path / "proc/self/net"
    folder.mkdir(parents=True)
    (folder / "dev").write_text("Inter-|\n face |\n    lo: 1 2 3\n  eth0: 4 5 6\n")
    assert network.interfaces(tmp_path) == ("eth0",)


def test_a_strace_that_may_not_trace_is_not_used(tmp_path: Path) -> None:
    forbidden, allowed = tmp_path / "forbidden", tmp_path / "allowed"
    forbidden.write_text("#!/bin/sh\necho ptrace: Operation not permitted >&2; exit 1\n")
    allowed.write_text("#!/bin/sh\nexit 0\n")
    for path in (forbidden, allowed):
        path.chmod(0o755)
    assert not may_trace(str(forbidden))
    assert may_trace(str(allowed))
    assert not may_trace(str(tmp_path / "absent"))
