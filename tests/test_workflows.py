"""Workflows and the action are linted, hold no injection, and call options that exist."""

from __future__ import annotations

import re
import subprocess
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.main import get_command

from edgebench.cli.verbs import app
from tests import shell_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
ACTION = ROOT / "action.yml"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
DEPENDABOT = ROOT / ".github" / "dependabot.yml"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# The only jobs that may do more than read: they run no code of the tree.
WRITING = {
    ("release.yml", "attach"): {
        "attestations": "write",
        "contents": "write",
        "id-token": "write",
    },
    ("release.yml", "publish"): {"id-token": "write"},
}
SCRIPTS = Path(sysconfig.get_path("scripts"))


def complaint(tool: str, *arguments: str | Path) -> str:
    """What a linter of the dev group says; nothing where all is well."""
    done = subprocess.run(
        [SCRIPTS / tool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return f"{tool}: {done.stdout}{done.stderr}" if done.returncode else ""


def test_actionlint_has_nothing_to_say() -> None:
    # Only what the lock names: no shellcheck or pyflakes that a machine happens to have.
    assert not complaint("actionlint", "-shellcheck=", "-pyflakes=", *WORKFLOWS)


def test_zizmor_has_nothing_to_say() -> None:
    assert not complaint(
        "zizmor", "--offline", "--persona", "pedantic", "--quiet", ACTION, ROOT / ".github"
    )


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("custom.github-workflows-require-timeout", WORKFLOWS),
        ("vendor.github-actions", [ACTION]),
        ("vendor.dependabot", [DEPENDABOT]),
    ],
)
def test_what_github_reads_fits_its_schemas(schema: str, files: list[Path]) -> None:
    assert not complaint("check-jsonschema", "--builtin-schema", schema, *files)


def parsed(path: Path) -> dict[Any, Any]:
    document: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def steps() -> Iterator[dict[str, Any]]:
    """Every step of every workflow and of the action."""
    yield from parsed(ACTION)["runs"]["steps"]
    for path in WORKFLOWS:
        for job in parsed(path)["jobs"].values():
            yield from job["steps"]


def scripts() -> list[str]:
    return [step["run"] for step in steps() if "run" in step]


def test_every_action_is_pinned_by_a_commit_with_its_version_beside_it() -> None:
    lines = [
        line
        for path in (ACTION, *WORKFLOWS)
        for line in path.read_text(encoding="utf-8").splitlines()
        if "uses: " in line and "uses: ./" not in line
    ]

    assert len(lines) == sum(step.get("uses", "./") != "./" for step in steps())
    for line in lines:
        assert re.search(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_one_version_of_each_action() -> None:
    pins = {step["uses"] for step in steps() if "@" in step.get("uses", "")}
    versions = {(use.split("@")[0].split("/")[1], use.split("@")[1]) for use in pins}

    assert sorted(name for name, _ in versions) == [
        "attest-build-provenance", "cache", "checkout", "download-artifact",
        "gh-action-pypi-publish", "upload-artifact",
    ]  # fmt: skip


def test_nothing_is_pasted_into_a_script() -> None:
    """`${{ … }}` is text when the shell reads it: a title of a pull request would be run."""
    assert [script for script in scripts() if "${{" in script] == []


@pytest.mark.parametrize("script", scripts(), ids=lambda script: script.split("\n")[0][:40])
def test_a_script_is_whole_bash(script: str) -> None:
    subprocess.run(["bash", "-n", "-c", script], check=True)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_do_little_and_not_for_long(path: Path) -> None:
    workflow = parsed(path)

    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["group"]
    for name, job in workflow["jobs"].items():
        assert job["permissions"] == WRITING.get((path.name, name), {"contents": "read"})
        assert 0 < job["timeout-minutes"] <= 90
    for step in steps():
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_both_architectures_install_test_and_measure_the_ladder() -> None:
    jobs = parsed(ROOT / ".github" / "workflows" / "test.yml")["jobs"]

    for job in jobs.values():
        assert job["strategy"]["matrix"]["runner"] == ["ubuntu-24.04", "ubuntu-24.04-arm"]
    commands = "\n".join(step.get("run", "") for step in jobs["test"]["steps"])
    assert "sh scripts/install.sh" in commands
    assert "sh scripts/test.sh" in commands
    assert "edgebench run --model smollm2-135m --isa ladder" in commands
    assert {job["needs"] for name, job in jobs.items() if name != "wheel"} == {"wheel"}


def test_a_release_is_checked_before_anything_is_written() -> None:
    workflow = parsed(ROOT / ".github" / "workflows" / "release.yml")
    jobs = workflow["jobs"]

    assert workflow[True] == {"push": {"tags": ["v*"]}}, "YAML reads `on` as true"
    assert jobs["wheel"]["strategy"]["matrix"]["runner"] == ["ubuntu-24.04", "ubuntu-24.04-arm"]
    assert jobs["package"]["needs"] == "wheel"
    commands = "\n".join(step.get("run", "") for step in jobs["package"]["steps"])
    assert 'scripts.release --tag "$GITHUB_REF_NAME"' in commands
    assert "pytest tests/test_release.py" in commands
    assert "scripts.audit" in commands
    assert {"package", "attach"} == set(jobs["publish"]["needs"])


def test_jobs_that_may_write_have_no_checkout_and_no_cache() -> None:
    for path, name in WRITING:
        job = parsed(ROOT / ".github" / "workflows" / path)["jobs"][name]
        assert job["environment"] == "release"
        uses = [step.get("uses", "") for step in job["steps"]]
        assert not any("checkout" in each or "cache" in each for each in uses)
        assert not any("scripts" in step.get("run", "") for step in job["steps"])


def test_the_weekly_audit_runs_ours() -> None:
    workflow = parsed(ROOT / ".github" / "workflows" / "audit.yml")
    assert len(workflow[True]["schedule"]) == 1
    assert workflow["jobs"]["audit"]["steps"][-1]["run"] == ".venv/bin/python -m scripts.audit"


def test_the_page_names_every_input_and_its_examples_no_other() -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    examples = [
        step for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
        for step in yaml.safe_load(block)
    ]  # fmt: skip
    inputs = set(parsed(ACTION)["inputs"])

    assert examples
    assert all(set(step["with"]) <= inputs for step in examples)
    assert {name for name in inputs if f"`{name}`" not in page} == set()


def test_the_inputs_are_options() -> None:
    verbs = get_command(app).commands  # type: ignore[attr-defined]
    options = {verb: {o for p in verbs[verb].params for o in p.opts} for verb in ("run", "gate")}
    own = {"arguments", "baseline", "artifact"}
    of_gate = {"threshold", "inconclusive"}
    inputs = set(parsed(ACTION)["inputs"])

    assert {f"--{name}" for name in of_gate} <= options["gate"]
    assert {f"--{name}" for name in inputs - own - of_gate} <= options["run"]


def command_lines(text: str) -> list[list[str]]:
    """Without the arrays of shell in them, which hold options."""
    return [
        [word for word in words if word not in {"${chosen[@]}", "${more[@]}"}]
        for words in shell_lines.commands_in(text)
    ]


def all_commands() -> list[list[str]]:
    shell = list(scripts())
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        shell += re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        shell += [
            " ".join(code.split()) for code in re.findall(r"(?<!\\)`(edgebench [^`]+)`", text)
        ]
    return [words for text in shell for words in command_lines(text)]


@pytest.mark.parametrize("words", all_commands(), ids=" ".join)
def test_a_command_line_that_we_show_parses(words: list[str]) -> None:
    group: Any = get_command(app)
    context = group.make_context("edgebench", [], resilient_parsing=True)
    command = group
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        command = command.commands[words[0]]
        words = words[1:]
    fresh = context.__class__(command, info_name=command.name, parent=context)

    _, left_over, _ = command.make_parser(fresh).parse_args(list(words))
    assert not left_over, "and an option that it does not know is an error of the parser's"


def test_command_lines_are_found_and_wrong_ones_do_not_parse() -> None:
    (found,) = command_lines('  .venv/bin/edgebench show a*.json --format markdown >>"$X"')
    assert found == ["show", "a*.json", "--format", "markdown"]
    with pytest.raises(Exception, match="no-such-option"):
        test_a_command_line_that_we_show_parses(["show", "--no-such-option"])
