"""The bill of materials is CycloneDX, names what the lock names, and is the same every time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from scripts import sbom, wheel_needs

EPOCH = 1767225600
LOCK = sbom.LOCK.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(sbom.text(EPOCH))
    return document


def test_it_is_valid_cyclonedx() -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(sbom.text(EPOCH)) is None


def test_the_same_lock_gives_the_same_bytes() -> None:
    assert sbom.text(EPOCH) == sbom.text(EPOCH)
    assert "2026-01-01T00:00:00Z" in sbom.text(EPOCH)


def test_each_component_has_the_version_and_the_hashes_of_the_lock(bill: dict[str, Any]) -> None:
    entries = sbom.locked(LOCK)
    assert bill["components"]
    for each in bill["components"]:
        assert each["version"] == entries[each["name"]].version
        (reference,) = each["externalReferences"]
        told = {hashed["content"] for hashed in reference["hashes"]}
        assert told == set(entries[each["name"]].hashes) != set()


def test_every_entry_of_the_lock_is_read_and_those_of_the_machine_are_taken() -> None:
    lines = [line for line in LOCK.splitlines() if "==" in line and not line.startswith("#")]
    assert len(sbom.ENTRY.findall(LOCK)) == len(lines)
    found = sbom.locked(
        "numpy==2.4 ; python_full_version < '3.12' \\\n"
        f"    --hash=sha256:{'a' * 64} \\\n    --hash=sha256:{'b' * 64}\n"
        f"numpy==2.5 ; python_full_version >= '3.12' \\\n    --hash=sha256:{'c' * 64}\n"
    )
    assert found == {"numpy": sbom.Locked("numpy", "2.4", ("a" * 64, "b" * 64))}


def test_what_is_needed_is_in_it_and_tools_of_developers_are_not(bill: dict[str, Any]) -> None:
    scopes = {each["name"]: each["scope"] for each in bill["components"]}
    assert scopes["numpy"] == scopes["pydantic-core"] == "required"
    assert scopes["llama-cpp-python"] == scopes["onnxruntime"] == scopes["duckdb"] == "optional"
    assert not {"pytest", "mypy", "ruff", "mkdocs"} & set(scopes)


def test_the_graph_is_closed(bill: dict[str, Any]) -> None:
    known = {each["bom-ref"] for each in bill["components"]}
    known.add(bill["metadata"]["component"]["bom-ref"])
    assert {each["ref"] for each in bill["dependencies"]} == known
    for each in bill["dependencies"]:
        assert set(each["dependsOn"]) <= known


def test_what_a_wheel_needs_is_the_newest_of_its_libraries() -> None:
    """Lines as `readelf --wide --version-info --dynamic` prints them."""
    one = (
        "  0x0000000000000001 (NEEDED)             Shared library: [libgomp.so.1]\n"
        "  0x0000000000000001 (NEEDED)             Shared library: [libggml-base.so.0]\n"
        "  0x0010:   Name: GLIBC_2.9  Flags: none  Version: 4\n"
        "  0x0020:   Name: GLIBC_2.34  Flags: none  Version: 5\n"
    )
    two = "  0x0010:   Name: GLIBCXX_3.4.29  Flags: none  Version: 4\n"

    found = wheel_needs.summed([one, two], {"libggml-base.so.0"})

    assert found == wheel_needs.Needs("2.34", "3.4.29", ("libgomp.so.1",))
    assert str(found).startswith("glibc 2.34 or newer, GLIBCXX 3.4.29 or newer, and libgomp")


def test_the_bill_names_no_path_and_no_host(bill: dict[str, Any]) -> None:
    text = json.dumps(bill)
    assert str(Path.home()) not in text
    assert "http" not in text.replace("http://cyclonedx.org", "")
