"""Folders of Debian packages, unpacked and not installed: no root, nothing on this machine changes.

apt resolves, fetches and checks signatures as ever, but in a state of its own: another
architecture, an empty list of installed packages, and the Debian 12 entries of this machine's
own sources.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from edgebench.errors import NotUsableHere

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

RELEASE = "bookworm"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MIRROR_VARIABLE = "EDGEBENCH_DEBIAN_MIRROR"
_SUITE = re.compile(rf"{RELEASE}(-updates|-security)?/?")
_ONE_LINE = re.compile(r"^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+main\b", re.MULTILINE)


def tree(target: Path, architecture: str, packages: Sequence[str]) -> Path:
    """The packages and all that they depend on, unpacked at `target` unless they are there.

    `target/packages.txt` lists the archives with their SHA-256. Raises NotUsableHere with what
    this machine lacks.
    """
    wanted = f"# {architecture}: {' '.join(packages)}\n"
    listed = target / "packages.txt"
    if listed.is_file() and listed.read_text().startswith(wanted):
        return target
    sources = "".join(sorted(_sources(Path("/"), os.environ)))
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="debian-", dir=target.parent) as temporary:
        state, made = Path(temporary, "apt"), Path(temporary, "tree")
        archives = _download(state, architecture, packages, sources)
        made.mkdir()
        for archive in archives:
            _run(["dpkg-deb", "--extract", str(archive), str(made)])
        keep_links_inside(made)
        names = "".join(f"{_sha256(archive)}  {archive.name}\n" for archive in archives)
        (made / "packages.txt").write_text(wanted + names)
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)
    return target


def keep_links_inside(tree: Path) -> None:
    """Make absolute symbolic links relative: they are meant from the tree's root, not from ours.

    A linker that cannot follow the link `libm.so` would silently take the static `libm.a`.
    """
    for folder, folders, names in os.walk(tree):
        for path in (Path(folder, name) for name in (*folders, *names)):
            if path.is_symlink() and (target := path.readlink()).is_absolute():
                path.unlink()
                path.symlink_to(os.path.relpath(f"{tree}{target}", folder))


def entries(text: str) -> set[str]:
    """Debian 12's entries of an apt sources file, either format, as lines of ours."""
    found = {_line(uri, suite) for uri, suite in _ONE_LINE.findall(text) if _SUITE.fullmatch(suite)}
    for block in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^([\w-]+):[ \t]*(.*)$", block, re.MULTILINE))
        if "deb" in fields.get("Types", "").split() and fields.get("Enabled", "yes") != "no":
            found |= {
                _line(uri, suite)
                for uri in fields.get("URIs", "").split()
                for suite in fields.get("Suites", "").split()
                if _SUITE.fullmatch(suite) and "main" in fields.get("Components", "").split()
            }
    return found


def _line(uri: str, suite: str) -> str:
    return f"deb [signed-by={KEYRING}] {uri} {suite} main\n"


def _sources(root: Path, environ: Mapping[str, str]) -> set[str]:
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise NotUsableHere(
                f"{tool} is missing: the emulated ARM environment is made of Debian packages.",
                "Make it on Debian 12.",
            )
    if not KEYRING.is_file():
        raise NotUsableHere(
            "Debian's archive keyring is missing: packages could not be checked.",
            "Install it: sudo apt-get install debian-archive-keyring.",
        )
    if mirror := environ.get(MIRROR_VARIABLE):
        return {_line(mirror, RELEASE)}
    etc = root / "etc/apt"
    files = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]
    found = set().union(*(entries(file.read_text()) for file in files if file.is_file()))
    if not found:
        raise NotUsableHere(
            f"apt has no source of Debian 12 ({RELEASE}) here.",
            f"Set {MIRROR_VARIABLE} to the address of a Debian mirror.",
        )
    return found


def _download(state: Path, architecture: str, packages: Iterable[str], sources: str) -> list[Path]:
    for folder in ("lists/partial", "archives/partial"):
        (state / folder).mkdir(parents=True)
    (state / "status").touch()
    (state / "sources.list").write_text(sources)
    options = _options(state, architecture)
    _run(["apt-get", *options, "update"])
    _run(["apt-get", *options, "install", "--yes", "--download-only", *packages])
    return sorted((state / "archives").glob("*.deb"))


def _options(state: Path, architecture: str) -> list[str]:
    settings = {
        "APT::Architecture": architecture,
        "APT::Architectures::": architecture,
        "APT::Install-Recommends": "0",
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Debug::NoLocking": "1",
        "Dir::State": state,
        "Dir::State::status": state / "status",
        "Dir::Cache": state,
        "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
    }
    return ["--quiet=2", *(part for k, v in settings.items() for part in ("-o", f"{k}={v}"))]


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())[-300:]
        raise NotUsableHere(f"{command[0]} failed: {said}", "Check the network and try again.")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
