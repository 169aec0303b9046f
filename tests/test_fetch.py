from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from edgebench.errors import BadInput, CannotWrite, FileUnavailable, HashMismatch
from edgebench.models import hub
from edgebench.models.fetch import ensure, verify
from edgebench.models.progress import Progress, Silent
from edgebench.schema.model import HubSource, ModelFile, UrlSource
from tests import loopback
from tests.loopback import BODY, PATH, REVISION, SHA256, Recorder, Server, model_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WRONG = b"x" * len(BODY)


@pytest.fixture
def server() -> Iterator[Server]:
    with loopback.running() as running:
        yield running


def fetch(
    server: Server, cache: Path, file: ModelFile | None = None, progress: Progress | None = None
) -> Path:
    return ensure(
        file or model_file(),
        cache=cache,
        progress=progress or Silent(),
        world=loopback.world(server),
    )


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"tiny.gguf.lock"}


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


def test_the_hub_s_own_hash_is_compared_where_the_catalogue_has_none(
    server: Server, tmp_path: Path
) -> None:
    linked = {"X-Linked-ETag": f'"{SHA256}"'}
    server.script.append(loopback.redirect(server.url + PATH, headers=linked))
    server.files[PATH] = WRONG
    with pytest.raises(HashMismatch, match=f"{SHA256} was promised"):
        fetch(server, tmp_path, model_file(sha256=None))


def test_a_hub_that_announces_another_hash_is_refused_before_the_body_is_read(
    server: Server, tmp_path: Path
) -> None:
    server.script.append(loopback.serve(headers={"X-Linked-ETag": f'"{"0" * 64}"'}))
    progress = Recorder()
    with pytest.raises(HashMismatch, match=f"{SHA256} was promised"):
        fetch(server, tmp_path, progress=progress)
    assert progress.starts == []


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


def test_a_gated_file_says_that_a_token_may_be_missing(server: Server, tmp_path: Path) -> None:
    server.script.append(loopback.status(401))
    with pytest.raises(FileUnavailable, match="HTTP 401, which may mean that HF_TOKEN"):
        fetch(server, tmp_path)


def test_a_host_name_that_cannot_be_is_not_retried(server: Server, tmp_path: Path) -> None:
    naps: list[float] = []
    world = loopback.world(server, naps, HF_ENDPOINT=f"http://{'a' * 64}.invalid")
    with pytest.raises(FileUnavailable, match="label"):
        ensure(model_file(), cache=tmp_path, progress=Silent(), world=world)
    assert naps == []


def test_the_token_goes_to_the_hub_and_not_to_where_it_redirects(
    server: Server, tmp_path: Path
) -> None:
    with loopback.running() as elsewhere:
        server.script.append(loopback.redirect(elsewhere.url + PATH))
        world = loopback.world(server, HF_TOKEN="hf_secret")
        ensure(model_file(), cache=tmp_path, progress=Silent(), world=world)
        assert server.requests[0].headers["Authorization"] == "Bearer hf_secret"
        assert "Authorization" not in elsewhere.requests[0].headers


def test_the_token_follows_a_redirect_within_the_hub(server: Server, tmp_path: Path) -> None:
    server.files["/renamed"] = BODY
    server.script.append(loopback.redirect("/renamed"))
    world = loopback.world(server, HF_TOKEN="hf_secret")
    ensure(model_file(), cache=tmp_path, progress=Silent(), world=world)
    assert server.requests[1].headers["Authorization"] == "Bearer hf_secret"


def test_a_redirect_to_another_protocol_is_not_followed(server: Server, tmp_path: Path) -> None:
    server.script.append(loopback.redirect("ftp://127.0.0.1/tiny.gguf"))
    with pytest.raises(FileUnavailable, match="redirects from http to ftp"):
        fetch(server, tmp_path)


def test_a_proxy_of_the_environment_is_used(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.delenv("no_proxy", raising=False)
    server.files[f"http://hub.invalid{PATH}"] = BODY
    world = loopback.world(server, HF_ENDPOINT="http://hub.invalid")
    ensure(model_file(), cache=tmp_path, progress=Silent(), world=world)
    assert server.requests[0].headers["Host"] == "hub.invalid"


@pytest.mark.parametrize("endpoint", ["mirror.example", "http://[::1", "file:///etc"])
def test_an_endpoint_that_is_no_web_address_is_named(
    server: Server, tmp_path: Path, endpoint: str
) -> None:
    world = loopback.world(server, HF_ENDPOINT=endpoint)
    with pytest.raises(BadInput, match="HF_ENDPOINT is"):
        ensure(model_file(), cache=tmp_path, progress=Silent(), world=world)


def test_the_token_is_not_for_plain_addresses_and_paths_are_quoted() -> None:
    token = {"HF_TOKEN": "hf_secret\n"}
    assert hub.remote(UrlSource(url="https://example.com/a.gguf"), token).token is None
    spaced = HubSource(hub="acme/tiny", revision="main", path="a folder/tiny.gguf")
    remote = hub.remote(spaced, token)
    assert remote.url == "https://huggingface.co/acme/tiny/resolve/main/a%20folder/tiny.gguf"
    assert remote.token == "hf_secret"


def test_too_little_free_space_is_said_before_anything_is_written(
    server: Server, tmp_path: Path
) -> None:
    world = loopback.world(server)._replace(disk_free=lambda _: 1000)
    with pytest.raises(CannotWrite, match="not enough free space; 300,000 bytes were needed"):
        ensure(model_file(), cache=tmp_path, progress=Silent(), world=world)
    assert names(tmp_path / "models" / SHA256[:12]) == set()


CHILD = """
import resource, sys
from pathlib import Path
from edgebench.errors import EdgebenchError
from edgebench.models import hub
from edgebench.models.fetch import ensure
from edgebench.models.world import World
from edgebench.report.download import Lines
from edgebench.schema.model import ModelFile

limit, endpoint, cache, file = sys.argv[1:]
if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
world = World(environ={"HF_ENDPOINT": endpoint}, disk_free=lambda _: 1 << 40)
try:
    path = ensure(ModelFile.model_validate_json(file), cache=Path(cache),
                  progress=Lines(sys.stdout), world=world)
    print("have", path)
except EdgebenchError as error:
    print(type(error).__name__, error)
"""


def child(server: Server, cache: Path, limit: int = 0) -> subprocess.Popen[str]:
    arguments = (str(limit), server.url, str(cache), model_file().model_dump_json())
    command = [sys.executable, "-u", "-c", CHILD, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_disk_that_refuses_midway_leaves_nothing_behind(server: Server, tmp_path: Path) -> None:
    with child(server, tmp_path, limit=100_000) as process:
        said, _ = process.communicate(timeout=20)
    assert "CannotWrite" in said
    assert "File too large; 300,000 bytes were needed" in said
    assert names(tmp_path / "models" / SHA256[:12]) == set()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "none", str(disk)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False).returncode
    except FileNotFoundError:
        done = -1
    if done != 0:
        pytest.skip("this user may not mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_leaves_nothing_behind(server: Server, tiny_disk: Path) -> None:
    with pytest.raises(CannotWrite, match="No space left on device; 300,000 bytes were needed"):
        fetch(server, tiny_disk)
    assert names(tiny_disk / "models" / SHA256[:12]) == set()


def test_a_cache_that_cannot_be_a_folder_is_a_sentence(server: Server, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("not a folder")
    with pytest.raises(CannotWrite, match="EDGEBENCH_CACHE"):
        fetch(server, tmp_path)


def test_something_unreadable_in_the_file_s_place_is_a_sentence(
    server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "models" / SHA256[:12] / "tiny.gguf"
    path.mkdir(parents=True)
    with pytest.raises(FileUnavailable, match="cannot be read: Is a directory"):
        fetch(server, tmp_path, model_file(size_bytes=None))


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
