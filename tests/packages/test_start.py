"""What a cold start of a zip imports, and what it costs."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.packages.functions import FUNCTIONS, Function, named
from infra.packages.start import parameter_store, start
from tests.packages.conftest import Built

ROUNDS = 2
CPU_SECONDS = 2.0
"""Four times what the slowest takes on a busy machine: only a start without bytecode costs that."""

MODULES = {
    "event-collector": 650,
    "spill-drain": 450,
    "archive": 535,
    "realtime": 470,
    "stats": 530,
    "archive-compactor": 450,
    "realtime-api": 525,
    "stats-api": 525,
    "reconciliation-api": 525,
}
"""Budgets: 3 per cent above what a start imports. Imports are most of a cold start, and their
number does not depend on what else a machine does."""

NOT_AT_A_START = frozenset({"boto3", "multiprocessing", "pydantic.v1", "tests", "unittest"})


@pytest.fixture(scope="module")
def parameters() -> Iterator[str]:
    """The address of a parameter store."""
    with parameter_store() as address:
        yield address


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_a_start_imports_no_more_than_its_budget(
    function: Function, built: Built, unpacked: Callable[[str], Path], parameters: str
) -> None:
    began = start(function, unpacked(function.name), built.python, parameters)
    assert len(began.modules) <= MODULES[function.name], len(began.modules)
    assert not began.modules & NOT_AT_A_START
    assert began.cpu_seconds < CPU_SECONDS


def test_bytecode_saves_half_of_a_start(
    built: Built, unpacked: Callable[[str], Path], parameters: str, tmp_path: Path
) -> None:
    function = named("spill-drain")
    without = tmp_path / "without"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(unpacked(function.name), without, ignore=ignored)

    def cost(task: Path) -> float:
        runs = [start(function, task, built.python, parameters) for _ in range(ROUNDS)]
        return min(run.cpu_seconds for run in runs)

    assert cost(unpacked(function.name)) < cost(without) / 2
