"""Downloads that break off, stall, lie about their size, and go on."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from edgebench.errors import FileUnavailable, HashMismatch
from edgebench.models.fetch import ensure
from edgebench.models.progress import Silent
from tests import loopback
from tests.fetching.ways import WRONG, fetch, names
from tests.loopback import BODY, PATH, SHA256, Recorder, Server, model_file

if TYPE_CHECKING:
    from pathlib import Path


def test_a_dropped_connection_is_resumed_where_it_ended(server: Server, tmp_path: Path) -> None:
    server.script.append(loopback.serve(stop_after=100_000))
    naps: list[float] = []
    progress = Recorder()
    world = loopback.world(server, naps)
    path = ensure(model_file(), cache=tmp_path, progress=progress, world=world)
    assert path.read_bytes() == BODY
    again = server.requests[1].headers
    assert (again["Range"], again["If-Range"]) == ("bytes=100000-", loopback.etag(BODY))
    assert progress.starts == [(300_000, 0), (300_000, 100_000)]
    assert naps == [1.0]
    assert "closed early; trying again in 1 s" in progress.notes[0]


def test_a_resumed_download_follows_the_hub_s_redirect_again(
    server: Server, tmp_path: Path
) -> None:
    with loopback.running() as storage:
        to_storage = loopback.redirect(storage.url + PATH, headers={"ETag": '"not the file\'s"'})
        server.script += [to_storage, to_storage]
        storage.script.append(loopback.serve(stop_after=100_000))
        assert fetch(server, tmp_path).read_bytes() == BODY
        assert storage.requests[1].headers["Range"] == "bytes=100000-"


def test_a_server_that_ignores_range_makes_it_start_again(server: Server, tmp_path: Path) -> None:
    server.script += [loopback.serve(stop_after=100_000), loopback.serve(ranges=False)]
    assert fetch(server, tmp_path).read_bytes() == BODY


def test_a_file_that_changed_meanwhile_is_not_stitched_together(
    server: Server, tmp_path: Path
) -> None:
    server.script.append(loopback.serve(body=WRONG, stop_after=100_000))
    assert fetch(server, tmp_path, model_file(sha256=None)).read_bytes() == BODY


def test_a_refused_range_makes_it_start_again(server: Server, tmp_path: Path) -> None:
    server.script += [loopback.serve(stop_after=100_000), loopback.status(416)]
    assert fetch(server, tmp_path).read_bytes() == BODY
    assert "Range" not in server.requests[2].headers


def test_ctrl_c_keeps_what_has_arrived_for_the_next_run(server: Server, tmp_path: Path) -> None:
    server.script.append(loopback.serve(stop_after=100_000))
    with pytest.raises(KeyboardInterrupt):
        fetch(server, tmp_path, progress=loopback.interrupting())
    part = tmp_path / "models" / SHA256[:12] / "tiny.gguf.part"
    arrived = part.stat().st_size
    assert 0 < arrived <= 100_000
    assert fetch(server, tmp_path).read_bytes() == BODY
    assert server.requests[1].headers["Range"] == f"bytes={arrived}-"
    assert not part.exists()


def test_a_whole_part_needs_no_server(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "models" / SHA256[:12]
    folder.mkdir(parents=True)
    (folder / "tiny.gguf.part").write_bytes(BODY)
    note = {"url": server.url + PATH, "validator": loopback.etag(BODY)}
    (folder / "tiny.gguf.part.json").write_text(json.dumps(note))
    assert fetch(server, tmp_path).read_bytes() == BODY
    assert server.requests == []


def test_a_damaged_part_is_not_resumed(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "models" / SHA256[:12]
    folder.mkdir(parents=True)
    (folder / "tiny.gguf.part").write_bytes(BODY)
    (folder / "tiny.gguf.part.json").write_text("{not json")
    assert fetch(server, tmp_path).read_bytes() == BODY
    assert "Range" not in server.requests[0].headers


def test_a_busy_server_is_asked_again_with_growing_pauses(server: Server, tmp_path: Path) -> None:
    server.script += [loopback.status(503)] * 3
    naps: list[float] = []
    ensure(model_file(), cache=tmp_path, progress=Silent(), world=loopback.world(server, naps))
    assert naps == [1.0, 2.0, 4.0]


def test_a_server_that_never_sends_anything_is_given_up_with_a_sentence(
    server: Server, tmp_path: Path
) -> None:
    server.script += [loopback.status(503)] * 9
    with pytest.raises(FileUnavailable) as caught:
        fetch(server, tmp_path)
    by_hand = tmp_path / "models" / SHA256[:12] / "tiny.gguf"
    assert str(caught.value) == (
        "tiny.gguf is neither cached nor to be had (127.0.0.1: HTTP 503, 5 times in a row). "
        f"Put it at {by_hand}, or run the same shape without it: --weights synthetic."
    )


def test_a_silent_server_runs_into_the_timeout(server: Server, tmp_path: Path) -> None:
    released = threading.Event()
    server.script.append(loopback.serve(before=lambda: released.wait(10)))
    notes = Recorder()
    world = loopback.world(server)._replace(timeout_s=0.2)
    ensure(model_file(), cache=tmp_path, progress=notes, world=world)
    released.set()
    assert "timed out; trying again" in notes.notes[0]


def test_wrong_content_is_removed_and_refused(server: Server, tmp_path: Path) -> None:
    server.files[PATH] = WRONG
    with pytest.raises(HashMismatch, match=f"{SHA256} was promised"):
        fetch(server, tmp_path)
    assert names(tmp_path / "models" / SHA256[:12]) == set()


def test_another_size_is_refused_before_the_body_is_read(server: Server, tmp_path: Path) -> None:
    server.files[PATH] = BODY + b"more"
    progress = Recorder()
    with pytest.raises(HashMismatch, match="300,004 bytes there, 300,000 were promised"):
        fetch(server, tmp_path, progress=progress)
    assert progress.starts == []


def test_a_body_without_end_is_cut_off(server: Server, tmp_path: Path) -> None:
    endless = loopback.serve(body=BODY * 3, headers={"Content-Length": "none"})
    server.script.append(endless)
    path = fetch(server, tmp_path)
    assert path.read_bytes() == BODY
