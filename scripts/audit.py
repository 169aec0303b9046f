"""Ask whether anything in requirements.lock has a known vulnerability: `make audit`.

pip-audit asks the package index's advisory service. Where that does not know the packages, or
cannot be reached, nothing was audited: that is said and is not a success.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parent.parent / "requirements.lock"
COMMAND = ("-m", "pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner", "off",
           "--format", "json", "--requirement", str(LOCK))  # fmt: skip
CLEAN, VULNERABLE, NOT_AUDITED = 0, 1, 3


def verdict(told: dict[str, Any]) -> tuple[int, list[str]]:
    """Exit code and sentences, from what pip-audit prints as JSON."""
    found = [each for each in told["dependencies"] if each.get("vulns")]
    skipped = [each for each in told["dependencies"] if "skip_reason" in each]
    lines = [
        f"{each['name']} {each['version']}: {flaw['id']}, mended in "
        f"{', '.join(flaw.get('fix_versions') or ['no version yet'])}"
        for each in found
        for flaw in each["vulns"]
    ]
    if skipped:
        lines.append(f"Not audited: {len(skipped)} of {len(told['dependencies'])} packages.")
        lines.append(f"The first of them: {skipped[0]['skip_reason']}")
    if found:
        return VULNERABLE, lines
    return (NOT_AUDITED, lines) if skipped or not told["dependencies"] else (CLEAN, ["Clean."])


def main() -> int:
    done = subprocess.run([sys.executable, *COMMAND], capture_output=True, text=True, check=False)
    try:
        code, lines = verdict(json.loads(done.stdout))
    except ValueError:
        last = done.stderr.strip().splitlines()[-1:] or ["pip-audit said nothing"]
        code, lines = NOT_AUDITED, [f"Not audited: {last[0]}"]
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
