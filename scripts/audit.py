"""Ask whether anything that is locked has a known vulnerability: `make audit`.

pip-audit asks the package index's advisory service, or with `--advisories` a folder of advisories,
where the service does not know the packages or cannot be reached. Asked is about every version in
the three lock files, whichever Python or system it is for.

    0  clean, or nothing but what scripts/accepted_advisories.yaml accepts and says why
    1  something has a known vulnerability
    2  the folder holds no advisories
    3  not audited: nothing could be looked up
    4  the advisories are older than --max-age-days
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import yaml
from packaging.version import Version
from pydantic import BaseModel, TypeAdapter

from edgebench.errors import BadInput
from scripts.advisories import Advisories, read
from scripts.lock import pins
from scripts.osv_service import served

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).parent.parent
ACCEPTED = Path(__file__).parent / "accepted_advisories.yaml"
COMMAND = ("-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner", "off",
           "--format", "json", "--desc", "off", "--aliases", "on")  # fmt: skip
CLEAN, VULNERABLE, BAD_FOLDER, NOT_AUDITED, OUTDATED = 0, 1, 2, 3, 4
FRESH_DAYS = 30
REMEDY = "Advisories in a folder may know them: --advisories FOLDER (docs/releasing.md)."


class Accepted(BaseModel):
    """A finding that was looked at: for this version, under any of these names, until mended."""

    package: str
    version: str
    advisories: list[str]
    why: str

    def covers(self, name: str, version: str, flaw: dict[str, Any]) -> bool:
        called = {flaw["id"], *flaw.get("aliases", ())}
        same = (name, version) == (self.package, self.version)
        return same and not flaw.get("fix_versions") and not called.isdisjoint(self.advisories)


def main(argv: Sequence[str] | None = None, today: date | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.audit", description=(__doc__ or "").split("\n", maxsplit=1)[0],
        epilog="Example: python -m scripts.audit --advisories ../advisory-database",
    )  # fmt: skip
    parser.add_argument("--advisories", type=Path, action="append", default=[], metavar="FOLDER",
                        help="a clone of pypa/advisory-database, or another folder of OSV records;"
                             " may be given again")  # fmt: skip
    parser.add_argument("--max-age-days", type=int, metavar="N",
                        help="exit with 4 if a folder's advisories are older")  # fmt: skip
    args = parser.parse_args(argv)
    today = today or datetime.now(UTC).date()
    asked = locked(ROOT)
    try:
        known = [read(folder, asked, today) for folder in args.advisories]
    except BadInput as error:
        print(f"Not audited: {error}", file=sys.stderr)
        return BAD_FOLDER
    newest = max((str(each.day) for each in known), default="")
    code, lines = verdict(audited(asked, known), accepted(), newest)
    late, said = aged(known, today, args.max_age_days)
    print("\n".join([*said, *lines]))
    return OUTDATED if late and code == CLEAN else code


def locked(root: Path) -> dict[str, set[str]]:
    """The versions that the lock files name, by normalized name."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(root.glob("requirements*.lock")):
        for pin in pins(path.read_text(encoding="utf-8")):
            found[pin.name].add(pin.version)
    return dict(found)


def layers(asked: dict[str, set[str]]) -> list[list[str]]:
    """Requirements of every version: pip-audit takes one version of a name at a time."""
    ordered = {name: sorted(versions, key=Version) for name, versions in sorted(asked.items())}
    return [
        [f"{name}=={each[turn]}" for name, each in ordered.items() if turn < len(each)]
        for turn in range(max(map(len, ordered.values()), default=0))
    ]


def audited(asked: dict[str, set[str]], known: Sequence[Advisories]) -> dict[str, Any]:
    """What pip-audit tells of all of them; `problem` is why it could not."""
    with served(known) if known else nullcontext() as address:
        service = ("--vulnerability-service", "osv", "--osv-url", address) if address else ()
        told = [pip_audit(each, service) for each in layers(asked)]
    return {
        "dependencies": [each for one in told for each in one.get("dependencies", ())],
        "problem": next((one["problem"] for one in told if "problem" in one), None),
    }


def pip_audit(requirements: Iterable[str], service: Sequence[str]) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text("\n".join(requirements) + "\n", encoding="utf-8")
        # A proxy is for the service outside; ours is on this machine.
        environment = {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        done = subprocess.run(
            [sys.executable, *COMMAND, *service, "--requirement", str(listed)],
            capture_output=True, text=True, check=False,
            env=environment if service else None,
        )  # fmt: skip
    try:
        told: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        last = done.stderr.strip().splitlines()[-1:] or ["pip-audit said nothing"]
        return {"problem": last[0]}
    return told


def verdict(
    told: dict[str, Any], accept: Sequence[Accepted] = (), of: str = ""
) -> tuple[int, list[str]]:
    """Exit code and sentences, from what pip-audit prints as JSON; `of` is the advisories' day."""
    dependencies = told["dependencies"]
    findings = [(each, flaw) for each in dependencies for flaw in each.get("vulns", ())]
    reasons = [_why(accept, each, flaw) for each, flaw in findings]
    lines = [_finding(*found, why) for found, why in zip(findings, reasons, strict=True)]
    unknown = _unanswered(told)
    if not all(reasons):
        return VULNERABLE, [*lines, *unknown]
    if unknown or not dependencies:
        return NOT_AUDITED, [*lines, *unknown]
    but = " but for what is accepted" if lines else ""
    as_of = f", as far as advisories of {of} tell" if of else ""
    return CLEAN, [*lines, f"Clean{but}{as_of}: {len(dependencies)} versions asked about."]


def _unanswered(told: dict[str, Any]) -> list[str]:
    """What was not looked up, why, and what helps."""
    skipped = [each["skip_reason"] for each in told["dependencies"] if "skip_reason" in each]
    problem = told.get("problem")
    lines = [f"Not audited: {problem}"] if problem else []
    if skipped:
        lines.append(f"Not audited: {len(skipped)} of {len(told['dependencies'])} versions.")
        lines.append(f"The first of them: {skipped[0]}")
    return [*lines, REMEDY] if lines else []


def _why(accept: Sequence[Accepted], each: dict[str, Any], flaw: dict[str, Any]) -> str:
    return next((a.why for a in accept if a.covers(each["name"], each["version"], flaw)), "")


def _finding(each: dict[str, Any], flaw: dict[str, Any], why: str) -> str:
    mended = ", ".join(flaw.get("fix_versions") or ["no version yet"])
    reason = f" Accepted: {why}" if why else ""
    return f"{each['name']} {each['version']}: {flaw['id']}, mended in {mended}.{reason}"


def accepted(path: Path = ACCEPTED) -> list[Accepted]:
    told = yaml.safe_load(path.read_text(encoding="utf-8"))
    return TypeAdapter(list[Accepted]).validate_python(told)


def aged(
    known: Sequence[Advisories], today: date, max_age_days: int | None
) -> tuple[bool, list[str]]:
    """Whether any folder is older than it may be, and a sentence or two about each."""
    late, lines = False, []
    for each in known:
        days = (today - each.day).days
        late |= max_age_days is not None and days > max_age_days
        commit = f", commit {each.commit}" if each.commit else ""
        lines.append(
            f"{each.folder}: {each.total:,} advisories about Python packages, "
            f"of {each.day}, {days} days old{commit}."
        )
        if days > (FRESH_DAYS if max_age_days is None else max_age_days):
            lines.append("What was published since is not in them: fetch them anew (git pull).")
    return late, lines


if __name__ == "__main__":
    sys.exit(main())
