from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest import bootstrap
from runtime.errors import UsageError
from runtime.sites.site import Site
from runtime.sites.sqlite import SqliteSiteStore
from tests.ingest.http_caller import call


@pytest.fixture(autouse=True)
def _fresh_bootstrap() -> Iterator[None]:
    for built in (bootstrap.collector, bootstrap.sink):
        built.cache_clear()
    yield
    for built in (bootstrap.collector, bootstrap.sink):
        built.cache_clear()


def test_the_handler_works_on_an_empty_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEINSIGHT_DATA", str(tmp_path / "data"))
    SqliteSiteStore(tmp_path / "data" / "sites.sqlite").add(Site(site_id="shop.example"))
    issued = call("/api/csrf-token", {"session_id": "session-1"})
    event = {"event_type": "page_view", "page_url": "https://shop.example/"}
    body = {**event, **issued.document, "session_id": "session-1"}
    assert call("/api/events", body).document["accepted"] == 1
    assert (tmp_path / "data" / "stream.sqlite").exists()


def test_without_a_data_folder_the_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIVEINSIGHT_DATA", raising=False)
    with pytest.raises(UsageError, match="LIVEINSIGHT_DATA"):
        bootstrap.collector()
