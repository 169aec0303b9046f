"""`edgebench` and `python -m edgebench`: the one place where errors become sentences."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


def main() -> None:
    """Run the command line; exit codes are those of edgebench.errors."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    # Searching every installed package for plugins of pydantic takes an eighth of a start, and
    # records are to be read the same way everywhere.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from edgebench.errors import EdgebenchError
    from edgebench.printable import clean

    try:
        _run()
    except EdgebenchError as error:
        print(f"edgebench: {clean(str(error))}", file=sys.stderr)  # noqa: T201 - this is the rim
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)


def _run() -> None:
    from edgebench.cli import detecting

    if (answer := detecting.answer(sys.argv[1:])) is not None:
        sys.stdout.write(answer)
        sys.stdout.flush()
        return
    from edgebench.cli.verbs import app

    app()


def _as_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
