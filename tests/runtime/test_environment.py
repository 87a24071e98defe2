"""Settings come from the environment in few places, and by declared names alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.settings import AwsName, Variable

ROOT = Path(__file__).parents[2]
PACKAGES = ("liveinsight", "ingest", "processors", "api", "aggregates", "schemas", "runtime")
DECLARED = "runtime/settings.py"
READERS = {
    "runtime/container.py": "gives a function its settings",
    "liveinsight/engine/__main__.py": "gives a process of the engine its settings",
    "liveinsight/engine/supervisor.py": "hands the environment on to those processes",
    "runtime/origin_guard.py": "is asked before a function has its settings",
    "api/handler.py": "says of any function whether what it answers may be private",
    "liveinsight/commands/options.py": "gives a command the names of what is on AWS",
}
OF_THE_SYSTEM = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def reads_environment(module: ast.Module) -> bool:
    """Whether code touches the environment of its process, under whatever name."""
    nodes = list(ast.walk(module))
    aliases = {
        alias.asname or alias.name
        for node in nodes
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name in {"os", "posix"}
    }
    imported = {
        alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module in {"os", "posix"}
        for alias in node.names
    }
    used = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in aliases
    }
    return bool((imported | used) & {*OF_THE_SYSTEM, "*"})


def undeclared_names(module: ast.Module) -> set[str]:
    """Names of variables that stand in code as text, in place of the declared ones."""
    declared = {*Variable, *AwsName}
    found = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
            prefixed = text.startswith(("LIVEINSIGHT_", "POWERTOOLS_")) and text.isupper()
            if text in declared or (prefixed and text.replace("_", "").isalnum()):
                found.add(text)
        if isinstance(node, ast.keyword) and node.arg in {"envvar", "auto_envvar_prefix"}:
            declares = isinstance(node.value, ast.Attribute) and isinstance(
                node.value.value, ast.Name
            )
            if not (declares and node.value.value.id == "Variable"):  # type: ignore[attr-defined]
                found.add(ast.unparse(node.value))
    return found


def test_only_these_read_the_environment() -> None:
    assert {path for path, module in sources() if reads_environment(module)} == set(READERS)


def test_variables_go_by_their_declared_names() -> None:
    found = {path: undeclared_names(module) for path, module in sources() if path != DECLARED}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.environ['HOME']",
        "import os\nos.getenv('HOME')",
        "import os as system\nsystem.environ",
        "from os import environ",
        "from os import getenv as get",
        "from os import *",
        "def f():\n    import os\n    return os.environb",
    ],
)
def test_a_reader_is_caught(code: str) -> None:
    assert reads_environment(ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        "environ.get('LIVEINSIGHT_NEW')",
        "environ['STATS_TABLE']",
        "option('--x', envvar='OTHER')",
        "group(auto_envvar_prefix=PREFIX)",
    ],
)
def test_a_name_as_text_is_caught(code: str) -> None:
    assert undeclared_names(ast.parse(code))
