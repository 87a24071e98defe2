"""Two sites, one of them private, and containers of the read APIs that have not started yet."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import api.query.bootstrap
import api.realtime.bootstrap
import api.rebuild.bootstrap
import api.reconciliation.bootstrap
import api.stats.bootstrap
from runtime.sites.site import Site, hash_read_key
from runtime.sites.sqlite import SqliteSiteStore
from tests.api.caller import KEY

APIS = (api.stats, api.query, api.realtime, api.reconciliation, api.rebuild)


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("LIVEINSIGHT_DATA", str(tmp_path))
    sites = SqliteSiteStore(tmp_path / "sites.sqlite")
    sites.add(Site(site_id="open.site", timezone="Europe/Berlin", public=True))
    sites.add(Site(site_id="closed.site", read_key_hashes=(hash_read_key(KEY),)))
    for part in APIS:
        part.bootstrap.endpoint.cache_clear()
    yield tmp_path
    for part in APIS:
        part.bootstrap.endpoint.cache_clear()
