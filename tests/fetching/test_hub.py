"""What the hub says, and who gets the token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.errors import BadInput, FileUnavailable, HashMismatch
from edgebench.models import hub
from edgebench.models.fetch import ensure
from edgebench.models.progress import Silent
from edgebench.schema.model import HubSource, UrlSource
from tests import loopback
from tests.fetching.ways import WRONG, fetch
from tests.loopback import BODY, PATH, SHA256, Recorder, Server, model_file

if TYPE_CHECKING:
    from pathlib import Path


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
