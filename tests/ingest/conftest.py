from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest import bootstrap
from ingest.collector import Collector
from ingest.hits.client import Client
from ingest.salts.sqlite import SqliteSaltStore
from ingest.tokens.token import TokenKeys
from runtime.sites.site import Site
from runtime.sites.sqlite import SqliteSiteStore
from tests.ingest.memory_sink import MemoryEventSink


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 3, 13, 15, 9, 20, 123_000, tzinfo=UTC)


@pytest.fixture
def site() -> Site:
    return Site(site_id="shop.example", allowed_hosts=("pay.example",))


@pytest.fixture
def sites(tmp_path: Path, site: Site) -> SqliteSiteStore:
    store = SqliteSiteStore(tmp_path / "sites.sqlite")
    store.add(site)
    return store


@pytest.fixture
def salts(tmp_path: Path) -> SqliteSaltStore:
    return SqliteSaltStore(tmp_path / "salts.sqlite")


@pytest.fixture
def sink() -> MemoryEventSink:
    return MemoryEventSink()


@pytest.fixture
def token_keys() -> TokenKeys:
    return TokenKeys("new", {"new": b"n" * 32, "old": b"o" * 32})


@pytest.fixture
def collector(sites: SqliteSiteStore, salts: SqliteSaltStore, token_keys: TokenKeys) -> Collector:
    return Collector(sites, salts, token_keys)


@pytest.fixture
def chrome() -> Client:
    return Client(
        address="198.51.100.7",
        user_agent=(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
            "(KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
        ),
        language="de-DE",
        country="DE",
        region="NW",
        city="Köln",
    )


@pytest.fixture
def deployed(
    collector: Collector, sink: MemoryEventSink, monkeypatch: pytest.MonkeyPatch
) -> Collector:
    """The collector that the handler finds, and the stream."""
    monkeypatch.setattr(bootstrap, "collector", lambda: collector)
    monkeypatch.setattr(bootstrap, "sink", lambda: sink)
    return collector
