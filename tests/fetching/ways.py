"""Ways to fetch the one tiny file: here, and in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from edgebench.models.fetch import ensure
from edgebench.models.progress import Progress, Silent
from tests import loopback
from tests.loopback import BODY, Server, model_file

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.schema.model import ModelFile

WRONG = b"x" * len(BODY)


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
