#!/bin/sh
# Installs what is needed, then checks everything. Arguments go to pytest, whose words come last.
set -eu
cd "$(dirname "$0")/.."
sh scripts/install.sh
# The tests themselves reach no network.
.venv/bin/python -m scripts.fetch smollm2-135m >&2
# Where there is no browser and none can be had, its tests are skipped.
sh scripts/browser.sh >/dev/null || true
# Where it cannot be made, its tests are skipped.
.venv/bin/python -m scripts.arm.environment --quick >&2 || true

failed=0
check() {
    echo "\$ $*" >&2
    command=$1
    shift
    ".venv/bin/$command" "$@" || failed=1
}
check ruff check
check ruff format --check
check mypy
check python scripts/lock.py --check
[ "$failed" = 0 ] || echo "A check above failed; this run will fail even if pytest passes." >&2
check pytest "$@"
exit "$failed"
