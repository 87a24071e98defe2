from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from ingest.salts.sqlite import SqliteSaltStore
from ingest.site_directory import SiteDirectory
from runtime.sites.site import Site
from runtime.sites.sqlite import SqliteSiteStore

SITE_ID = "shop.example"
DAY = date(2026, 3, 13)


@pytest.fixture
def directory(sites: SqliteSiteStore, salts: SqliteSaltStore) -> SiteDirectory:
    return SiteDirectory(sites, salts)


@pytest.mark.parametrize(
    "host", ["shop.example", "www.shop.example", "a.b.shop.example", "pay.example"]
)
def test_a_host_leads_to_its_site(
    directory: SiteDirectory, site: Site, now: datetime, host: str
) -> None:
    assert directory.of_host(host, now=now) == site


@pytest.mark.parametrize("host", ["example", "eshop.example", "", "x." * 120, "evil.pay.example"])
def test_a_host_of_no_site_leads_nowhere(
    directory: SiteDirectory, now: datetime, host: str
) -> None:
    assert directory.of_host(host, now=now) is None


def test_the_nearest_site_wins(
    directory: SiteDirectory, sites: SqliteSiteStore, now: datetime
) -> None:
    assert directory.of_host("blog.shop.example", now=now) is not None
    blog = Site(site_id="blog.shop.example")
    sites.add(blog)
    assert directory.of_host("www.blog.shop.example", now=now) == blog


def test_a_new_site_is_noticed_at_once(
    directory: SiteDirectory, sites: SqliteSiteStore, now: datetime
) -> None:
    assert directory.get("new.example", now=now) is None
    sites.add(Site(site_id="new.example"))
    assert directory.get("new.example", now=now) is not None


def test_a_changed_setting_is_noticed_after_a_moment(
    directory: SiteDirectory, sites: SqliteSiteStore, site: Site, now: datetime
) -> None:
    assert directory.get(site.site_id, now=now) == site
    changed = replace(site, public=True)
    sites.update(site.site_id, lambda _: changed)
    assert directory.get(site.site_id, now=now + timedelta(seconds=10)) == changed


def test_strangers_cost_one_listing_in_a_while(
    tmp_path: Path, salts: SqliteSaltStore, now: datetime
) -> None:
    class Counting(SqliteSiteStore):
        listings = 0

        def list(self) -> Iterable[Site]:
            Counting.listings += 1
            return super().list()

    directory = SiteDirectory(Counting(tmp_path / "sites.sqlite"), salts)
    for second in range(12):
        at = now + timedelta(seconds=second)
        assert directory.of_host(f"stranger-{second}.example", now=at) is None
    assert Counting.listings == 2


def test_containers_agree_on_the_salt_of_a_day(
    directory: SiteDirectory, sites: SqliteSiteStore, salts: SqliteSaltStore, now: datetime
) -> None:
    salt = directory.salt(SITE_ID, DAY, fresh=b"first", now=now)
    assert salt == b"first"
    assert directory.salt(SITE_ID, DAY, fresh=b"second", now=now) == salt
    assert SiteDirectory(sites, salts).salt(SITE_ID, DAY, fresh=b"third", now=now) == salt


def test_every_day_and_every_site_has_a_salt_of_its_own(
    directory: SiteDirectory, now: datetime
) -> None:
    assert directory.salt(SITE_ID, DAY, fresh=b"a", now=now) == b"a"
    assert directory.salt("other.example", DAY, fresh=b"b", now=now) == b"b"
    tomorrow = timedelta(days=1)
    assert directory.salt(SITE_ID, DAY + tomorrow, fresh=b"c", now=now + tomorrow) == b"c"


def test_a_salt_is_forgotten_with_its_day(
    sites: SqliteSiteStore, salts: SqliteSaltStore, now: datetime
) -> None:
    directory, later = SiteDirectory(sites, salts), timedelta(days=3)
    directory.salt(SITE_ID, DAY, fresh=b"a", now=now)
    directory.salt(SITE_ID, DAY + later, fresh=b"b", now=now + later)
    assert directory.salt(SITE_ID, DAY, fresh=b"c", now=now + later) == b"c"
