"""What is in the cache, what is hashed, and what is asked for once."""

from __future__ import annotations

import hashlib
import os
import threading
from typing import TYPE_CHECKING

import pytest

from edgebench.errors import FileUnavailable, HashMismatch
from edgebench.models.fetch import verify
from edgebench.models.progress import Silent
from edgebench.schema.model import HubSource
from tests import loopback
from tests.fetching.ways import WRONG, child, fetch, names
from tests.loopback import BODY, PATH, REVISION, SHA256, Recorder, Server, model_file

if TYPE_CHECKING:
    from pathlib import Path


def test_a_missing_file_is_downloaded_verified_and_then_served_from_the_cache(
    server: Server, tmp_path: Path
) -> None:
    path = fetch(server, tmp_path)
    assert path == tmp_path / "models" / SHA256[:12] / "tiny.gguf"
    assert path.read_bytes() == BODY
    assert fetch(server, tmp_path) == path
    assert [request.path for request in server.requests] == [PATH]
    assert names(path.parent) == {"tiny.gguf", "tiny.gguf.verified.json"}


def test_progress_hears_of_every_byte(server: Server, tmp_path: Path) -> None:
    progress = Recorder()
    fetch(server, tmp_path, progress=progress)
    assert progress.starts == [(len(BODY), 0)]
    assert progress.advanced == len(BODY)
    assert progress.finished == 1


def test_a_file_put_there_by_hand_is_hashed_and_used(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "models" / SHA256[:12] / "tiny.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(BODY)
    assert fetch(server, tmp_path) == path
    assert server.requests == []


def test_a_wrong_file_put_there_by_hand_is_refused(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "models" / SHA256[:12] / "tiny.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(WRONG)
    with pytest.raises(HashMismatch, match="Delete the file"):
        fetch(server, tmp_path)
    path.write_bytes(BODY[:-1])
    with pytest.raises(HashMismatch, match="size in bytes is 299999, not 300000"):
        fetch(server, tmp_path)


def test_an_unchanged_file_is_not_read_again_and_a_changed_one_is(
    server: Server, tmp_path: Path
) -> None:
    path = fetch(server, tmp_path)
    progress = Recorder()
    fetch(server, tmp_path, progress=progress)
    assert progress.advanced == 0
    os.utime(path)
    fetch(server, tmp_path, progress=progress)
    assert progress.advanced == len(BODY)
    path.write_bytes(WRONG)
    with pytest.raises(HashMismatch):
        fetch(server, tmp_path)


def test_verify_reads_the_whole_file_whatever_the_seal_says(server: Server, tmp_path: Path) -> None:
    with pytest.raises(FileUnavailable, match=r"tiny\.gguf is not cached"):
        verify(model_file(), cache=tmp_path, progress=Silent())
    path = fetch(server, tmp_path)
    assert verify(model_file(), cache=tmp_path, progress=Silent()) == SHA256
    before = path.stat()
    path.write_bytes(WRONG)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert fetch(server, tmp_path) == path
    with pytest.raises(HashMismatch):
        verify(model_file(), cache=tmp_path, progress=Silent())


def test_the_first_hash_seen_is_recorded_and_later_ones_must_agree(
    server: Server, tmp_path: Path
) -> None:
    unpinned = model_file(sha256=None)
    path = fetch(server, tmp_path, unpinned)
    record = path.with_name("tiny.gguf.sha256")
    assert record.read_text() == f"{SHA256}  tiny.gguf\n"
    path.unlink()
    server.files[PATH] = WRONG
    with pytest.raises(HashMismatch, match=f"{SHA256} was promised"):
        fetch(server, tmp_path, unpinned)
    path.write_bytes(WRONG)
    with pytest.raises(HashMismatch):
        fetch(server, tmp_path, unpinned)


def test_unpinned_files_of_one_name_from_two_repositories_stay_apart(
    server: Server, tmp_path: Path
) -> None:
    other = HubSource(hub="other/tiny", revision=REVISION, path="tiny.gguf")
    server.files[f"/other/tiny/resolve/{REVISION}/tiny.gguf"] = WRONG
    first = fetch(server, tmp_path, model_file(sha256=None))
    second = fetch(server, tmp_path, model_file(sha256=None, sources=(other,)))
    assert (first.read_bytes(), second.read_bytes()) == (BODY, WRONG)


def test_sources_are_tried_in_order_until_one_has_the_right_bytes(
    server: Server, tmp_path: Path
) -> None:
    sources = tuple(
        HubSource(hub=f"acme/{name}", revision=REVISION, path="tiny.gguf")
        for name in ("gone", "wrong", "tiny", "never-asked")
    )
    server.files[f"/acme/wrong/resolve/{REVISION}/tiny.gguf"] = WRONG
    assert fetch(server, tmp_path, model_file(sources=sources)).read_bytes() == BODY
    assert [r.path.split("/")[2] for r in server.requests] == ["gone", "wrong", "tiny"]


def test_two_processes_at_once_fetch_once(server: Server, tmp_path: Path) -> None:
    first_fetches, second_waits = threading.Event(), threading.Event()

    def until_the_second_waits() -> None:
        first_fetches.set()
        second_waits.wait(20)

    server.script.append(loopback.serve(before=until_the_second_waits))
    with child(server, tmp_path) as first:
        assert first_fetches.wait(20)
        with child(server, tmp_path) as second:
            assert second.stdout is not None
            assert second.stdout.readline() == (
                "another process is fetching tiny.gguf; waiting for it\n"
            )
            second_waits.set()
            assert "have " in second.communicate(timeout=20)[0]
        assert "have " in first.communicate(timeout=20)[0]
    assert len(server.requests) == 1
    path = tmp_path / "models" / SHA256[:12] / "tiny.gguf"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == SHA256
