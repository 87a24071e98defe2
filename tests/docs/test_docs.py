"""Docs say what the code does: every name that a user meets is described, and no other."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import click
import pytest

from aggregates.rollup import BREAKDOWNS, ZERO
from api.document import metrics
from infra.verify import mirror
from ingest.hits.rejection import RejectionCode
from ingest.tokens.token import TokenProblem
from liveinsight.cli import cli
from liveinsight.engine.reader import ROUTES
from liveinsight.exports.columns import ROLLUPS
from liveinsight.imports.access_log import Reason
from query.columns import EVENTS
from runtime.metrics import MetricName
from runtime.problem import ProblemCode
from runtime.settings import AwsName, Variable
from schemas import registry

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def doc(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def tracked() -> list[str]:
    """Files that git tracks, or would."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return listed.stdout.splitlines()


def test_the_tree_in_the_readme_is_the_one_on_disk() -> None:
    (tree,) = [b for b in re.findall(r"```text\n(.*?)```", README, re.DOTALL) if "ingest/" in b]
    shown, parent = set(), ""
    for line in tree.splitlines():
        match = re.match(r"^(\s*)(\w+)/", line)
        if match:
            parent = parent if match[1] else match[2]
            shown.add(f"{parent}/{match[2]}" if match[1] else parent)
    folders = {path.split("/")[0] for path in tracked() if "/" in path}
    assert {name for name in shown if "/" not in name} == {f for f in folders if f[0] != "."}
    for name in shown:
        assert (ROOT / name).is_dir(), name


def imported(path: Path) -> Iterator[str]:
    """What a module imports: modules, and names in them."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom():
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_module_of_tests_imports_from_a_test_module() -> None:
    """What several need is in `tests/factories.py`, or in a module that says what it is."""
    modules = sorted((ROOT / "tests").rglob("*.py"))
    test_modules = {path.stem for path in modules if path.stem.startswith("test_")}
    assert len(test_modules) > 50
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules
        for name in imported(path)
        if name.startswith("tests.") and test_modules & set(name.split("."))
    ]
    assert found == []


@pytest.mark.parametrize("name", [*get_args(MetricName), *metrics(ZERO), *BREAKDOWNS])
def test_every_metric_and_dimension_is_defined(name: str) -> None:
    assert f"`{name}`" in doc("metrics.md")


@pytest.mark.parametrize("route", [*ROUTES, "/config.json"])
def test_every_route_is_described(route: str) -> None:
    assert route in doc("api.md")


@pytest.mark.parametrize("code", [*RejectionCode, *TokenProblem])
def test_every_refusal_of_the_collector_is_described(code: str) -> None:
    assert f"`{code}`" in doc("api.md")


def declared_problems(kind: type[ProblemCode] = ProblemCode) -> Iterator[ProblemCode]:
    """The codes of every part, all of which the server of the embedded engine imports."""
    yield from kind
    for part in kind.__subclasses__():
        yield from declared_problems(part)


def test_the_problems_of_every_part_are_found() -> None:
    parts = {type(code).__module__.partition(".")[0] for code in declared_problems()}
    assert parts == {"runtime", "ingest", "api"}


@pytest.mark.parametrize("code", sorted(set(declared_problems())))
def test_every_problem_code_is_described(code: str) -> None:
    assert f"`{code}`" in doc("api.md")


@pytest.mark.parametrize("name", [*Variable, *AwsName, mirror.VARIABLE])
def test_every_setting_is_described(name: str) -> None:
    assert f"| `{name}` |" in doc("settings.md")


CONTEXT = click.Context(cli)


def commands(group: click.Group, prefix: str = "") -> list[str]:
    found = []
    for name in group.list_commands(CONTEXT):
        command = part_of(group, name)
        if isinstance(command, click.Group):
            found += commands(command, f"{prefix}{name} ")
        else:
            found.append(f"{prefix}{name}")
    return found


def part_of(group: click.Command, name: str) -> click.Command:
    assert isinstance(group, click.Group)
    command = group.get_command(CONTEXT, name)
    assert command is not None
    assert command.name == name
    return command


@pytest.mark.parametrize("command", commands(cli))
def test_every_command_and_its_options_are_described(command: str) -> None:
    text = doc("cli.md")
    assert f"liveinsight {command}" in text
    found: click.Command = cli
    for part in command.split():
        found = part_of(found, part)
    for option in found.params:
        if isinstance(option, click.Option):
            assert option.opts[-1] in text or option.opts[0] in text, option.opts


@pytest.mark.parametrize("column", [*EVENTS.names, *ROLLUPS.names])
def test_every_column_of_an_export_is_described(column: str) -> None:
    assert re.search(rf"^\|[^|]*`{column}`[^|]*\|", doc("exports.md"), re.MULTILINE)


def test_the_columns_of_events_are_described_in_their_order_and_no_others() -> None:
    table = doc("exports.md").partition("## Events")[2].partition("## Rollups")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == EVENTS.names


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_to_leave_a_line_out_is_described(reason: str) -> None:
    assert reason.replace("_", " ") in doc("cli.md").replace("_", " ")


@pytest.mark.parametrize("name", registry.names())
def test_every_schema_and_its_fields_are_described(name: str) -> None:
    text = doc("data-model.md")
    assert f"`{name}`" in text
    for field in registry.latest(name).schema["fields"]:
        assert f"`{field['name']}`" in text, field["name"]


def test_links_between_documents_lead_somewhere() -> None:
    for path in (ROOT / one for one in tracked() if one.endswith(".md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_nothing_points_into_a_machine_or_a_registry() -> None:
    hosts = ("py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com")
    for name in tracked():
        path = ROOT / name
        if path.suffix in {".png", ".js", ".log", ".gz", ".mmdb"} or not path.is_file():
            continue
        text = path.read_text(errors="replace")
        assert not any(host in text for host in hosts), name
        assert not re.search(r"(^|[^\w.])/(?:work|root|farm)/", text), name
