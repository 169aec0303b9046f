"""Runs first in the emulated Python: its children are to be emulated, too.

The kernel cannot execute an aarch64 program here, so `sys.executable` is the script that starts
the emulator.
"""

import os
import sys

if launcher := os.environ.get("EDGEBENCH_ARM_PYTHON"):
    sys.executable = launcher
