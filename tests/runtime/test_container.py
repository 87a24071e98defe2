"""What a container makes once and keeps."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.container import container
from runtime.errors import UsageError
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
