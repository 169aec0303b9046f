"""Fetch the named models into edgebench's cache, so that tests need no network.

Example: python -m scripts.fetch smollm2-135m
"""

from __future__ import annotations

import sys

from edgebench.errors import EdgebenchError
from edgebench.files import cache_dir
from edgebench.models import catalog, fetch
from edgebench.report.download import transfer_progress


def main(names: list[str]) -> None:
    """Fetch the first file of each model, or say in a sentence why not."""
    known = catalog.load_catalog()
    for name in names:
        file = catalog.choose_file(name, catalog.find(known, name), None)
        print(fetch.ensure(file, cache=cache_dir(), progress=transfer_progress()))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except EdgebenchError as error:
        sys.exit(f"{error}")
