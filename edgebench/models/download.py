"""One file over HTTP: resumed where the last attempt ended, retried while that helps."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from edgebench.errors import FileUnavailable
from edgebench.models.part import BLOCK_BYTES, Part, Wanted

if TYPE_CHECKING:
    from email.message import Message
    from pathlib import Path
    from typing import IO

    from edgebench.models.progress import Progress
    from edgebench.models.world import World

ATTEMPTS = 5
WORTH_RETRYING = frozenset({408, 425, 429, 500, 502, 503, 504})


class Remote(NamedTuple):
    """Where a file lies. `token` is for that host alone and follows no redirect to another."""

    url: str
    token: str | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or self.url


class _DroppedError(Exception):
    """The transfer broke off in a way that another attempt may mend."""


def download(remote: Remote, target: Path, wanted: Wanted, progress: Progress, world: World) -> str:
    """Bring `remote` to `target` and return its SHA-256, checked before the file is named so.

    Gives up after ATTEMPTS attempts in a row that brought nothing new. Raises FileUnavailable,
    HashMismatch or CannotWrite; only an interrupted transfer leaves `<target>.part` behind.
    """
    with Part(target, wanted, world) as part:
        part.adopt(remote.url)
        failures = 0
        while not part.complete:
            before = part.size_bytes
            try:
                _attempt(remote, part, progress, world)
                break
            except _DroppedError as dropped:
                failures = 1 if part.size_bytes > before else failures + 1
                _wait(remote, failures, str(dropped), progress, world)
        return part.finish()


def _wait(remote: Remote, failures: int, why: str, progress: Progress, world: World) -> None:
    if failures >= ATTEMPTS:
        raise FileUnavailable(f"{remote.host}: {why}, {ATTEMPTS} times in a row")
    delay_s = 2.0 ** (failures - 1)
    progress.note(f"{remote.host}: {why}; trying again in {delay_s:.0f} s")
    world.sleep(delay_s)


def _attempt(remote: Remote, part: Part, progress: Progress, world: World) -> None:
    redirects = _Redirects()
    opener = urllib.request.build_opener(redirects)
    try:
        with opener.open(_request(remote, part), timeout=world.timeout_s) as response:
            promised = redirects.hub_sha256 or _hub_sha256(response.headers)
            _receive(remote.url, response, promised, part, progress)
    except urllib.error.HTTPError as error:
        error.close()
        raise _refusal(remote, error.code, part) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise _broken(remote, error) from None


def _request(remote: Remote, part: Part) -> urllib.request.Request:
    # Catalogue URLs are https by schema; HF_ENDPOINT and pip's index are the user's own choice.
    request = urllib.request.Request(remote.url)  # noqa: S310
    if remote.token:
        request.add_header("Authorization", f"Bearer {remote.token}")
    if part.size_bytes and part.validator:
        request.add_header("Range", f"bytes={part.size_bytes}-")
        request.add_header("If-Range", part.validator)
    return request


def _receive(
    url: str,
    response: http.client.HTTPResponse,
    promised_sha256: str | None,
    part: Part,
    progress: Progress,
) -> None:
    if not _continues(response, part):
        part.restart()
    if promised_sha256:
        part.promise(promised_sha256)
    length = response.length
    total = part.wanted.size_bytes if length is None else part.size_bytes + length
    if total is not None:
        part.promise_size(total)
    part.begin(url, _validator(response.headers), total)
    progress.start(part.wanted.name, total, part.size_bytes)
    try:
        _copy(response, part, total, progress)
    finally:
        progress.finish()
    if total is not None and part.size_bytes < total:
        raise _DroppedError("the connection was closed early")


def _copy(
    response: http.client.HTTPResponse, part: Part, total: int | None, progress: Progress
) -> None:
    while total is None or part.size_bytes < total:
        left = BLOCK_BYTES if total is None else total - part.size_bytes
        block = response.read1(min(BLOCK_BYTES, left))
        if not block:
            return
        part.append(block)
        progress.advance(len(block))


def _continues(response: http.client.HTTPResponse, part: Part) -> bool:
    """Whether the body starts where the part ends; a server may ignore Range and send it all."""
    if response.status != 206:
        return False
    start = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if start is None or int(start[1]) != part.size_bytes:
        part.restart()
        raise _DroppedError("the server sent another range than was asked for")
    return True


def _validator(headers: Message) -> str | None:
    """What names this version of the file for If-Range, which takes no weak ETag (RFC 9110)."""
    etag = headers.get("ETag")
    if etag and not etag.startswith("W/"):
        return str(etag)
    return headers.get("Last-Modified")


def _hub_sha256(headers: Message) -> str | None:
    """The hub's hash of the file. Its plain ETag is another one: that of the storage behind it."""
    found = (headers.get("X-Linked-ETag") or "").strip('"')
    return found if re.fullmatch(r"[0-9a-f]{64}", found) else None


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Leaves the token behind when the host changes, never leaves https, keeps the hub's hash."""

    def __init__(self) -> None:
        self.hub_sha256: str | None = None

    def redirect_request(  # noqa: PLR0917 - urllib's signature
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        self.hub_sha256 = self.hub_sha256 or _hub_sha256(headers)
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if new.scheme not in ("https", old.scheme):
            raise FileUnavailable(f"{old.hostname}: redirects from {old.scheme} to {new.scheme}")
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following and (old.scheme, old.netloc) != (new.scheme, new.netloc):
            following.remove_header("Authorization")
        return following


def _refusal(remote: Remote, code: int, part: Part) -> Exception:
    if code == 416:
        part.restart()
        return _DroppedError("the server no longer knows that range")
    if code in WORTH_RETRYING:
        return _DroppedError(f"HTTP {code}")
    hint = ", which may mean that HF_TOKEN has to be set" if code in (401, 403) else ""
    return FileUnavailable(f"{remote.host}: HTTP {code}{hint}")


def _broken(remote: Remote, error: Exception) -> Exception:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, socket.gaierror):
        return FileUnavailable(f"{remote.host}: no such host, or no network")
    if isinstance(cause, ssl.SSLCertVerificationError):
        return FileUnavailable(f"{remote.host}: {cause.verify_message}")
    if isinstance(cause, ValueError):  # a host name or a header that cannot be sent
        return FileUnavailable(f"{remote.host}: {cause}")
    return _DroppedError(str(cause) or type(cause).__name__)
