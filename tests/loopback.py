"""A web server on 127.0.0.1 that can be told to misbehave, and the world that reaches it."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from edgebench.models.world import World
from edgebench.schema.model import HubSource, ModelFile, Source

BODY = bytes(i * 7 % 251 for i in range(300_000))
SHA256 = hashlib.sha256(BODY).hexdigest()
REVISION = "0123456789abcdef0123456789abcdef01234567"
PATH = f"/acme/tiny/resolve/{REVISION}/tiny.gguf"


class Request(NamedTuple):
    path: str
    headers: Mapping[str, str]


class Server(ThreadingHTTPServer):
    """Serves `files` with ranges and ETags; `script` says what to do instead."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {PATH: BODY}
        self.script: deque[Behaviour] = deque()
        self.requests: list[Request] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append(Request(self.path, dict(self.headers)))
        act = self.server.script.popleft() if self.server.script else serve()
        act(self)

    def log_message(self, *args: object) -> None:
        """Nothing."""


Behaviour = Callable[[Handler], None]


def serve(
    *,
    body: bytes | None = None,
    ranges: bool = True,
    stop_after: int | None = None,
    headers: Mapping[str, str] | None = None,
    before: Callable[[], object] = lambda: None,
) -> Behaviour:
    """Answer with the file, or `body`; `stop_after` closes the connection after so many bytes."""

    def act(handler: Handler) -> None:
        content = handler.server.files.get(handler.path) if body is None else body
        if content is None:
            return handler.send_error(404)
        start = _start(handler, content) if ranges else 0
        if start >= len(content):
            return handler.send_error(416)
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-/{len(content)}")
        sent = {"ETag": etag(content), "Content-Length": str(len(content) - start)}
        for name, value in (sent | dict(headers or {})).items():
            handler.send_header(name, value)
        handler.end_headers()
        before()
        handler.wfile.write(content[start:][:stop_after])
        return None

    return act


def status(code: int) -> Behaviour:
    return lambda handler: handler.send_error(code)


def redirect(to: str, headers: Mapping[str, str] | None = None) -> Behaviour:
    def act(handler: Handler) -> None:
        handler.send_response(302)
        for name, value in {"Location": to, "Content-Length": "0", **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()

    return act


def etag(content: bytes) -> str:
    return f'"{hashlib.md5(content).hexdigest()}"'


def _start(handler: Handler, content: bytes) -> int:
    asked = handler.headers.get("Range", "")
    if handler.headers.get("If-Range") != etag(content):
        return 0
    return int(asked.removeprefix("bytes=").removesuffix("-"))


@contextmanager
def running() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def world(server: Server, naps: list[float] | None = None, **environ: str) -> World:
    """A world whose hub is `server`, where nobody sleeps and the disk is large."""
    return World(
        environ={"HF_ENDPOINT": server.url, **environ},
        sleep=(naps if naps is not None else []).append,
        disk_free=lambda _: 1 << 40,
        timeout_s=5.0,
    )


def model_file(
    sha256: str | None = SHA256,
    size_bytes: int | None = len(BODY),
    sources: tuple[Source, ...] = (
        HubSource(hub="acme/tiny", revision=REVISION, path="tiny.gguf"),
    ),
) -> ModelFile:
    return ModelFile(
        quant="Q4_0", file="tiny.gguf", sha256=sha256, size_bytes=size_bytes, sources=sources
    )


class Recorder:
    """A Progress that remembers what it was told, and can press Ctrl-C."""

    interrupts = False

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.starts: list[tuple[int | None, int]] = []
        self.advanced = 0
        self.finished = 0

    def start(self, label: str, total_bytes: int | None, done: int) -> None:
        self.label = label
        self.starts.append((total_bytes, done))

    def advance(self, n: int) -> None:
        self.advanced += n
        if self.interrupts:
            raise KeyboardInterrupt

    def note(self, text: str) -> None:
        self.notes.append(text)

    def finish(self) -> None:
        self.finished += 1


def interrupting() -> Recorder:
    """Ctrl-C as soon as the first bytes are there."""
    progress = Recorder()
    progress.interrupts = True
    return progress
