"""What a cold start from the zip imports, and what it costs."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.packages.functions import FUNCTIONS, Function
from infra.packages.start import parameter_store, start
from tests.packages.conftest import Built

ROUNDS = 2
CPU_SECONDS = 2.0
"""Four times what the slowest takes on a busy machine: only a start without bytecode costs that."""

MODULES = {
    "event-collector": 568,
    "spill-drain": 447,
    "archive": 499,
    "realtime": 468,
    "stats": 490,
    "archive-compactor": 483,
    "sealer": 477,
    "realtime-api": 498,
    "stats-api": 484,
    "query-api": 515,
    "reconciliation-api": 484,
    "rebuild-api": 486,
}
"""Budgets: 3 per cent above what a start imports. Imports are most of a cold start, and their
number does not depend on what else a machine does."""

VALIDATES_BY_PYDANTIC = {"event-collector"}

NOT_AT_A_START = frozenset(
    {
        *("asyncio", "boto3", "multiprocessing", "pydantic.v1", "sqlite3"),
        *("liveinsight", "tests", "unittest"),
    }
)


@pytest.fixture(scope="module")
def parameters() -> Iterator[str]:
    """The address of a parameter store."""
    with parameter_store() as address:
        yield address


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_a_start_imports_no_more_than_its_budget(
    function: Function, built: Built, unpacked: Path, parameters: str
) -> None:
    began = start(function, unpacked, built.python, parameters)
    assert len(began.modules) <= MODULES[function.name], len(began.modules)
    assert not began.modules & NOT_AT_A_START
    assert ("pydantic" in began.modules) == (function.name in VALIDATES_BY_PYDANTIC)
    assert began.cpu_seconds < CPU_SECONDS


AWAITED = {"event-collector", "realtime-api", "stats-api", "reconciliation-api", "rebuild-api"}
LEFT_CPU_SECONDS = 0.02
"""To find that all is built, on a busy machine; to build it takes ten times as much."""


@pytest.mark.parametrize(
    "function", [one for one in FUNCTIONS if one.name in AWAITED], ids=lambda one: one.name
)
def test_what_a_user_waits_for_is_built_when_it_is_imported(
    function: Function, built: Built, unpacked: Path, parameters: str
) -> None:
    began = start(function, unpacked, built.python, parameters)
    assert began.left_cpu_seconds < LEFT_CPU_SECONDS, began.left_cpu_seconds


def test_bytecode_saves_half_of_a_start(
    built: Built, unpacked: Path, parameters: str, tmp_path: Path
) -> None:
    (function,) = (one for one in FUNCTIONS if one.name == "spill-drain")
    without = tmp_path / "without"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(unpacked, without, ignore=ignored)

    def cost(task: Path) -> float:
        runs = [start(function, task, built.python, parameters) for _ in range(ROUNDS)]
        return min(run.cpu_seconds for run in runs)

    assert cost(unpacked) < cost(without) / 2
