#!/bin/sh
# Prints where a Chromium is, for the tests that open pages in a real browser; installs Debian's
# where there is none, and this is root on a machine with apt. Else says what is missing; exit 1.
set -eu

find_browser() {
    for name in "${EDGEBENCH_CHROMIUM:-}" chromium chromium-browser google-chrome-stable google-chrome; do
        [ -n "$name" ] && command -v "$name" && return
    done
    return 1
}

find_browser && exit
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update && apt-get install -y --no-install-recommends chromium; } >&2 || true
    find_browser && exit
fi
echo "No Chromium: sudo apt-get install chromium, or set EDGEBENCH_CHROMIUM. Its tests are skipped." >&2
exit 1
