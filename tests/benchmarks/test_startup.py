"""What `edgebench --help` costs beside importing typer, and what `hardware detect` does.

CPU time, which other programs lengthen less than the clock's.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys

import pytest

pytestmark = pytest.mark.bench
RUNS = 15
PARSER = ("-c", "import typer")
PARSER_AND_SCHEMA = ("-c", "import typer, pydantic; pydantic.BaseModel")
HELP = ("-m", "edgebench", "--help")
DETECT = ("-m", "edgebench", "hardware", "detect", "--json")


@pytest.mark.parametrize(
    ("command", "imports", "allowed"), [(HELP, PARSER, 2.7), (DETECT, PARSER_AND_SCHEMA, 0.75)]
)
def test_a_start_costs_little_beside_what_it_imports(
    command: tuple[str, ...], imports: tuple[str, ...], allowed: float
) -> None:
    """Detection imports neither typer nor pydantic, and reading the machine is short."""
    pairs = [(_cpu_seconds(*imports), _cpu_seconds(*command)) for _ in range(RUNS)]

    theirs_s, ours_s = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(ours / theirs for theirs, ours in pairs)
    print(
        f"{' '.join(command[1:])}: {ours_s * 1000:.0f} ms of CPU time, "
        f"{imports[-1]}: {theirs_s * 1000:.0f} ms, median ratio {ratio:.2f}"
    )
    assert ratio <= allowed


def _cpu_seconds(*arguments: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
