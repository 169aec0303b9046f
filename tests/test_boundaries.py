"""The wall of the design: measuring and reading share the schema and nothing else."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "edgebench"
MEASURE = {"models", "backends", "measure", "machine", "power"}
READ = {"analysis", "claims", "report"}
RIM = {"cli", "__main__", "pytest_plugin"}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """The rooms of the package that a file imports from, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module == "edgebench":
            names = [f"edgebench.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {n.split(".")[1] for n in names if n.startswith("edgebench.")}
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=str)
def test_no_import_crosses_the_wall(path: Path) -> None:
    forbidden = dict.fromkeys(MEASURE, READ) | dict.fromkeys(READ, MEASURE)
    if room(path) in forbidden:
        assert not imports(path) & (forbidden[room(path)] | RIM)
    elif room(path) not in RIM:
        assert not imports(path) & (MEASURE | READ | RIM) - {"schema"}, (
            "schema and tools know no room"
        )


def test_the_worker_imports_nothing_heavy_before_it_has_an_engine() -> None:
    program = (
        "import sys, json, edgebench.measure.worker\n"
        "from edgebench.machine.counters import peak_rss_bytes\n"
        "print(json.dumps([sorted(sys.modules), peak_rss_bytes()]))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True
    )

    modules, peak_rss_bytes = json.loads(done.stdout)
    heavy = {"typer", "pydantic", "scipy", "numpy", "rich", "yaml", "importlib.metadata", "gguf"}
    assert not heavy & set(modules)
    assert peak_rss_bytes < 25 * 2**20


def test_help_does_not_import_what_commands_need() -> None:
    program = (
        "import sys, edgebench.cli.verbs\n"
        "print([m for m in ('numpy', 'scipy', 'yaml', 'psutil', 'gguf') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def modules_after(*arguments: str) -> set[str]:
    """What a command has imported when it ends."""
    program = (
        "import json, sys; from edgebench.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "finally: print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, *arguments],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout
    return set(json.loads(done.stderr))


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_detection_imports_neither_a_parser_nor_a_schema(options: tuple[str, ...]) -> None:
    heavy = {
        "numpy", "scipy", "yaml", "psutil", "cpuinfo", "archspec", "gguf", "rich",
        "typer", "pydantic", "pydantic_core", "inspect", "importlib.metadata", "edgebench.files",
    }  # fmt: skip
    assert not heavy & modules_after("hardware", "detect", *options)


def test_a_command_imports_no_other() -> None:
    verbs = {name for name in modules_after("models", "--help") if name.startswith("edgebench.cli")}
    assert verbs == {
        "edgebench.cli", "edgebench.cli.detecting", "edgebench.cli.verbs", "edgebench.cli.models",
    }  # fmt: skip
