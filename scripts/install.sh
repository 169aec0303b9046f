#!/bin/sh
# Sets up .venv: exactly what requirements.lock names, every hash checked, and edgebench itself.
# Safe to repeat; does nothing when nothing changed. `rm -r .venv` starts afresh.
set -eu
cd "$(dirname "$0")/.."

stop() {
    echo "$1" >&2
    exit 1
}

python=${PYTHON:-python3}
command -v "$python" >/dev/null ||
    stop "Python is missing: sudo apt-get install python3 python3-venv"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    stop "$("$python" --version) is too old: edgebench needs 3.11 (Debian 12, Ubuntu 24.04); set PYTHON to a newer one."
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    stop "Python's venv module is missing: sudo apt-get install python3-venv"
[ -n "${EDGEBENCH_LLAMA_WHEEL:-}" ] || command -v "${CXX:-c++}" >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null ||
    stop "No C++ compiler: sudo apt-get install g++"

stamp=.venv/installed-from
if cat pyproject.toml requirements*.lock | cmp -s - "$stamp" 2>/dev/null &&
    .venv/bin/edgebench --version >/dev/null 2>&1; then
    exit 0
fi

.venv/bin/python -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear .venv
pip() {
    .venv/bin/python -m pip --quiet --disable-pip-version-check --no-input "$@"
}

echo "Installing into .venv" >&2
# The pip that comes with Python may be too old for the options below.
sed -n '/^pip==/,/[^\\]$/p' requirements.lock >.venv/pip.txt
pip install --require-hashes --requirement .venv/pip.txt
.venv/bin/python scripts/llama_wheel.py >.venv/requirements.txt
pip install --require-hashes --requirement .venv/requirements.txt
pip install --no-deps --no-build-isolation --editable .
cat pyproject.toml requirements*.lock >"$stamp"
echo "Installed: .venv/bin/edgebench" >&2
