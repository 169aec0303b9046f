"""The query of OSV's API on this machine's loopback, answered from folders: for pip-audit.

https://google.github.io/osv.dev/post-v1-query/ describes it.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name
from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scripts.advisories import Advisories, Record


def answer(advisories: Sequence[Advisories], query: dict[str, Any]) -> dict[str, Any]:
    """What OSV answers to a package and a version: `{}`, or the records that hold."""
    name, version = query["package"]["name"], query["version"]
    found = [record for each in advisories for record in each.about(name, version)]
    shown = [_shown(record, canonicalize_name(name), Version(version)) for record in found]
    return {"vulns": shown} if shown else {}


def _shown(record: Record, name: str, version: Version) -> dict[str, Any]:
    """As pip-audit reads it, which takes the fixes of one range, under a normalized name."""
    fixes = [{"fixed": each} for each in record.fixed(name, version)]
    return {
        "id": record.id,
        "aliases": record.aliases,
        "summary": record.summary or record.details or "",
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": name},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, *fixes]}],
            }
        ],
    }


@contextmanager
def served(advisories: Sequence[Advisories]) -> Iterator[str]:
    """The address to send queries to, for as long as the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(answer(advisories, asked)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing: pip-audit reports."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/query"
        finally:
            server.shutdown()
