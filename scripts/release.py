"""Build what a release consists of, and refuse what is not fit to be one.

`make dist`, or `python -m scripts.release --tag v0.1.0` in the release workflow: a source
distribution from the tree, the wheel from that source distribution, an SBOM, and SHA256SUMS, in
dist/. Built twice from one commit, every byte is the same.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.metadata import Metadata

from edgebench import __version__
from scripts import sbom

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parent.parent
IN_WHEEL = ("edgebench/__init__.py", "edgebench/py.typed", "edgebench/data/models.yaml",
            "edgebench/data/text.v1.txt", "edgebench/pytest_plugin.py")  # fmt: skip
IN_SDIST = ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "models.yaml", "mkdocs.yml",
            "requirements.lock", "scripts/install.sh", "docs/index.md", "docs/schema/",
            "examples/backend/", "hardware/", "tests/", "edgebench/")  # fmt: skip
NEVER_IN_WHEEL = re.compile(r"^(tests|docs|scripts|results|examples)/|\.pyc$|/\.")


def build(tree: Path, output: Path) -> tuple[Path, Path]:
    """Source distribution of `tree` and the wheel made from it; at one time, for one content.

    Nothing is downloaded: the build tools are those of requirements.lock.
    """
    output.mkdir(parents=True, exist_ok=True)
    environ = {**os.environ, "SOURCE_DATE_EPOCH": str(source_date(tree))}
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(output), str(tree)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"The build failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    stem = f"edgebench-{__version__}"
    return output / f"{stem}-py3-none-any.whl", output / f"{stem}.tar.gz"


def source_date(tree: Path) -> int:
    """SOURCE_DATE_EPOCH, else when the commit was made, else 1980, where zip files begin."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    command = ["git", "-C", str(tree), "log", "-1", "--format=%ct"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 else 315532800


def problems(wheel: Path, sdist: Path) -> Iterator[str]:
    """What makes the two unfit: metadata, contents, version."""
    with zipfile.ZipFile(wheel) as archive:
        inside = archive.namelist()
    yield from _missing(wheel, IN_WHEEL, inside)
    yield from (f"{wheel.name} holds {name}." for name in inside if NEVER_IN_WHEEL.search(name))
    if not any(name.startswith("edgebench/data/hardware/") for name in inside):
        yield f"{wheel.name} has no hardware profiles."
    with tarfile.open(sdist) as source:
        members = source.getnames()
    yield from _missing(sdist, IN_SDIST, [name.partition("/")[2] for name in members])
    for told in metadata_of(wheel, sdist):
        yield from _wrong(told)


def metadata_of(wheel: Path, sdist: Path) -> tuple[bytes, bytes]:
    """METADATA of the wheel and PKG-INFO of the source distribution."""
    stem = f"edgebench-{__version__}"
    with tarfile.open(sdist) as source, zipfile.ZipFile(wheel) as archive:
        inner = source.extractfile(f"{stem}/PKG-INFO")
        assert inner is not None
        return archive.read(f"{stem}.dist-info/METADATA"), inner.read()


def unready(tag: str, changelog: str) -> Iterator[str]:
    """Why the tag cannot be released: it has to name this version, and the log has to tell it."""
    if tag != f"v{__version__}":
        yield f"The tag is {tag} and the version {__version__}: tag v{__version__}."
    heading = re.search(rf"^## {re.escape(__version__)}\b(.*)$", changelog, re.MULTILINE)
    if heading is None or not notes(changelog).strip():
        yield f"CHANGELOG.md says nothing under `## {__version__}`."
    elif "unreleased" in heading[1]:
        yield f"CHANGELOG.md calls {__version__} unreleased: write the date."


def notes(changelog: str) -> str:
    """What CHANGELOG.md says of this version."""
    parts = re.split(r"^## ", changelog, flags=re.MULTILINE)
    mine = [part for part in parts if part.split(maxsplit=1)[:1] == [__version__]]
    return mine[0].partition("\n")[2].strip() + "\n" if mine else ""


def sums(files: Iterable[Path]) -> str:
    """The text of SHA256SUMS, as `sha256sum -c` reads it."""
    found = sorted((hashlib.sha256(path.read_bytes()).hexdigest(), path.name) for path in files)
    return "".join(
        f"{digest}  {name}\n" for digest, name in sorted(found, key=lambda each: each[1])
    )


def _missing(archive: Path, wanted: Iterable[str], inside: Iterable[str]) -> Iterator[str]:
    names = list(inside)
    for name in wanted:
        if not any(
            each == name or (name.endswith("/") and each.startswith(name)) for each in names
        ):
            yield f"{archive.name} lacks {name}."


def _wrong(told: bytes) -> Iterator[str]:
    """The core metadata, read as strictly as an index does."""
    try:
        metadata = Metadata.from_email(told, validate=True)
    except ExceptionGroup as group:
        yield from (str(each) for each in group.exceptions)
        return
    if (metadata.name, str(metadata.version)) != ("edgebench", __version__):
        yield f"The metadata are those of {metadata.name} {metadata.version}."
    if (
        metadata.license_expression != "Apache-2.0"
        or not message_from_bytes(told)["Requires-Python"]
    ):
        yield "The metadata lack the licence or the version of Python."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tag", help="Refuse unless this is the version's tag.")
    parser.add_argument("--output", type=Path, default=ROOT / "dist")
    chosen = parser.parse_args()
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    if chosen.tag and (found := list(unready(chosen.tag, changelog))):
        sys.exit("\n".join(found))
    shutil.rmtree(chosen.output, ignore_errors=True)
    made = build(ROOT, chosen.output)
    if found := list(problems(*made)):
        sys.exit("\n".join(found))
    bill = chosen.output / f"edgebench-{__version__}.cdx.json"
    bill.write_text(sbom.text(source_date(ROOT)), encoding="utf-8")
    (chosen.output / "SHA256SUMS").write_text(sums([*made, bill]), encoding="utf-8")
    (chosen.output / "NOTES.md").write_text(notes(changelog), encoding="utf-8")
    for path in sorted(chosen.output.iterdir()):
        print(path)


if __name__ == "__main__":
    main()
