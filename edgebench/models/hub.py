"""Where a hub's or a plain https source lies, with the user's mirror and token."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from edgebench.errors import BadInput
from edgebench.models.download import Remote
from edgebench.schema.model import HubSource, UrlSource

if TYPE_CHECKING:
    from collections.abc import Mapping

HUB = "https://huggingface.co"


def remote(source: HubSource | UrlSource, environ: Mapping[str, str]) -> Remote:
    """The address of `source`. HF_ENDPOINT names a mirror of the hub; HF_TOKEN goes to it alone."""
    if isinstance(source, UrlSource):
        return Remote(source.url)
    endpoint = environ.get("HF_ENDPOINT", "").strip().rstrip("/") or HUB
    if not _is_web_address(endpoint):
        raise BadInput(f"HF_ENDPOINT is {endpoint!r}.", "Give it as https://host, or unset it.")
    url = f"{endpoint}/{source.hub}/resolve/{source.revision}/{quote(source.path)}"
    return Remote(url, environ.get("HF_TOKEN", "").strip() or None)


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.hostname)
