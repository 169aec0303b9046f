"""What fetching touches outside its own folder, so that tests can hand in another one."""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


def disk_free(folder: Path) -> int:
    """Bytes that this user can still write below `folder`."""
    return shutil.disk_usage(folder).free


class World(NamedTuple):
    """`environ` gives HF_ENDPOINT and HF_TOKEN and is pip's environment; `python` runs pip.

    Proxies are urllib's business: it reads http_proxy, https_proxy and no_proxy of this process.
    """

    environ: Mapping[str, str] = os.environ
    sleep: Callable[[float], None] = time.sleep
    disk_free: Callable[[Path], int] = disk_free
    python: str = sys.executable
    timeout_s: float = 30.0
