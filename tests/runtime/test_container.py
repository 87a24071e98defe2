"""What a container makes once and keeps."""

import gc
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from runtime.container import SNAPSHOTS, container, ready
from runtime.errors import RetryableError, UsageError
from runtime.settings import AwsSettings, EmbeddedSettings


@pytest.fixture
def _unfrozen() -> Iterator[None]:
    """What a test froze of its own can be collected again."""
    yield
    gc.unfreeze()
    gc.freeze()


def build_without_a_table() -> str:
    with container() as settings:
        assert isinstance(settings, AwsSettings)
        return settings.events_table


@pytest.mark.usefixtures("_unfrozen")
def test_the_garbage_collector_rests_while_a_function_is_built_and_only_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LIVEINSIGHT_ENGINE", "aws")
    monkeypatch.delenv("EVENTS_TABLE", raising=False)
    frozen = gc.get_freeze_count()
    with container() as settings:
        assert isinstance(settings, AwsSettings)
        assert not gc.isenabled()
    assert gc.get_freeze_count() > frozen, "what was built is looked at no more"
    assert gc.isenabled()
    with pytest.raises(UsageError, match="EVENTS_TABLE"):
        build_without_a_table()
    assert gc.isenabled()


def test_the_embedded_engine_finds_what_its_supervisor_gave_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in EmbeddedSettings(tmp_path).environ.items():
        monkeypatch.setenv(name, value)
    with container() as settings:
        assert settings == EmbeddedSettings(tmp_path)
        assert gc.isenabled()


def test_an_engine_that_there_is_not_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEINSIGHT_ENGINE", "azure")
    with pytest.raises(UsageError, match="'azure'"), container():
        pass


def test_on_aws_a_function_is_built_when_it_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    monkeypatch.setenv("LIVEINSIGHT_ENGINE", "embedded")
    ready(lambda: built.append("embedded"))
    monkeypatch.setenv("LIVEINSIGHT_ENGINE", "aws")
    ready(lambda: built.append("aws"))
    assert built == ["aws"]


@pytest.mark.parametrize("error", [UsageError("no table"), RetryableError("no answer")])
def test_what_cannot_be_built_at_import_is_left_to_the_first_invocation(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails() -> None:
        raise error

    monkeypatch.setenv("LIVEINSIGHT_ENGINE", "aws")
    ready(fails)


def test_containers_of_one_snapshot_draw_different_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hooks: list[Callable[[], object]] = []
    runtime = ModuleType(SNAPSHOTS)  # Lambda's own: there is none outside
    monkeypatch.setattr(runtime, "register_after_restore", hooks.append, raising=False)
    monkeypatch.setitem(sys.modules, SNAPSHOTS, runtime)
    monkeypatch.setenv("LIVEINSIGHT_ENGINE", "aws")
    ready()
    snapshot = random.getstate()
    drawn = set()
    for _ in range(20):
        random.setstate(snapshot)
        for hook in hooks:
            hook()
        drawn.add(random.random())
    assert len(drawn) == 20
