"""The contract of every SiteStore, and what a site decides."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runtime.errors import UsageError
from runtime.sites.cache import LIFETIME, SiteCache
from runtime.sites.encoding import SETTINGS, decode_site, encode_site
from runtime.sites.generations import Building, Kept
from runtime.sites.partitions import PartitionSchedule
from runtime.sites.site import Site, SiteStore, hash_read_key
from runtime.sites.sqlite import SqliteSiteStore

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
DAY = date(2026, 5, 4)


@pytest.fixture(params=["sqlite", "dynamodb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SiteStore:
    if request.param == "sqlite":
        return SqliteSiteStore(tmp_path / "sites.sqlite")
    sites: SiteStore = request.getfixturevalue("aws").sites()
    return sites


def test_a_site_is_added_once(store: SiteStore) -> None:
    site = Site(site_id="my.site", timezone="Asia/Tokyo", public=True, allowed_hosts=("x.y",))
    assert store.get("my.site") is None
    assert store.add(site)
    assert not store.add(site)
    assert not store.add(Site(site_id="my.site"))
    assert store.get("my.site") == site
    assert store.update("my.site", lambda one: replace(one, generation=2)) == replace(
        site, generation=2
    )
    assert [one.generation for one in store.list()] == [2]


def test_sites_are_listed_by_id(store: SiteStore) -> None:
    for site_id in ("b.site", "a.site"):
        store.add(Site(site_id=site_id))
    assert [one.site_id for one in store.list()] == ["a.site", "b.site"]


def test_a_site_that_is_not_there_is_not_changed(store: SiteStore) -> None:
    assert store.update("my.site", lambda site: site) is None
    assert store.get("my.site") is None


def test_a_change_that_is_refused_changes_nothing(store: SiteStore) -> None:
    site = Site(site_id="my.site")
    store.add(site)
    with pytest.raises(UsageError, match="generation"):
        store.update("my.site", lambda one: replace(one, generation=0))
    assert store.get("my.site") == site


def test_no_change_of_anothers_is_lost(store: SiteStore) -> None:
    """Three threads each allow ten hosts; each change is made of what the one before it left."""
    store.add(Site(site_id="my.site"))

    def allow(thread: int) -> None:
        for number in range(10):
            host = f"host-{thread}-{number}.example"

            def with_host(site: Site, host: str = host) -> Site:
                return replace(site, allowed_hosts=(*site.allowed_hosts, host))

            store.update("my.site", with_host)

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(allow, range(3)))
    found = store.get("my.site")
    assert found is not None
    assert len(set(found.allowed_hosts)) == len(found.allowed_hosts) == 30


def test_a_site_is_removed_once(store: SiteStore) -> None:
    for site_id in ("my.site", "other.site"):
        store.add(Site(site_id=site_id))
    assert store.remove("my.site")
    assert not store.remove("my.site")
    assert store.update("my.site", lambda site: site) is None
    assert [one.site_id for one in store.list()] == ["other.site"]


def test_a_cache_notices_a_new_site_at_once_and_a_change_after_its_lifetime(
    store: SiteStore,
) -> None:
    cache = SiteCache(store)
    assert cache.get("my.site", now=NOW) is None
    store.add(Site(site_id="my.site"))
    assert cache.get("my.site", now=NOW) == store.get("my.site")
    store.update("my.site", lambda site: replace(site, public=True))
    cached = cache.get("my.site", now=NOW + LIFETIME - timedelta(seconds=1))
    assert cached is not None
    assert not cached.public
    renewed = cache.get("my.site", now=NOW + LIFETIME)
    assert renewed is not None
    assert renewed.public


@pytest.mark.parametrize(
    ("host", "accepted"),
    [
        ("my.site", True),
        ("www.my.site", True),
        ("a.b.my.site", True),
        ("pay.example", True),
        ("notmy.site", False),
        ("my.site.evil", False),
        ("", False),
    ],
)
def test_hosts_of_a_site(host: str, accepted: bool) -> None:
    assert Site(site_id="my.site", allowed_hosts=("pay.example",)).accepts_host(host) is accepted


def test_reading_takes_a_key_unless_the_site_is_public() -> None:
    private = Site(site_id="my.site", read_key_hashes=(hash_read_key("key"),))
    assert private.may_read("key")
    assert not private.may_read("Key")
    assert not private.may_read(None)
    assert not Site(site_id="my.site").may_read("")
    assert Site(site_id="my.site", public=True).may_read(None)


def test_import_salts_differ_by_day_and_site_and_come_back() -> None:
    site, other = Site(site_id="my.site"), Site(site_id="my.site")
    assert site.import_salt(DAY) == site.import_salt(DAY)
    assert site.import_salt(DAY) != site.import_salt(DAY + timedelta(days=1))
    assert site.import_salt(DAY) != other.import_salt(DAY)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"site_id": "My Site"},
            r"'My Site' is no site: write its host name, such as example\.com",
        ),
        ({"site_id": "my.site\n"}, "is no site"),
        ({"site_id": "a" * 254}, "is no site"),
        (
            {"timezone": "Mars/Base"},
            "timezone: no time zone is named 'Mars/Base': use an IANA name",
        ),
        ({"timezone": ""}, "timezone: "),
        ({"timezone": "../etc"}, "timezone: "),
        ({"generation": 0}, "generation: 0 is less than 1"),
        ({"import_secret": "5" * 31}, "import_secret: it has less than 32 characters"),
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Site(**{"site_id": "my.site", **wrong})
    with pytest.raises(UsageError, match=message):
        replace(Site(site_id="my.site"), **wrong)


def test_stored_settings_are_read_back() -> None:
    site = Site(
        site_id="my.site",
        timezone="Asia/Tokyo",
        partitions=PartitionSchedule(((date.min, 512), (DAY, 1024))),
        generation=7,
        last_generation=8,
        building=Building(generation=8, timezone="UTC", started_at=5, positions={"s-1": 10**55}),
        kept=Kept(generation=6, timezone="UTC", replaced_at=4, positions={"s-1": 3}),
        compared_from=DAY,
        public=True,
        allowed_hosts=("m\N{LATIN SMALL LETTER U WITH DIAERESIS}nchen.example", "x.y"),
        read_key_hashes=(hash_read_key("key"),),
        import_secret="5e" * 16,
    )
    assert decode_site(encode_site(site)) == site


def test_another_time_zone_begins_the_comparison_of_ledgers_anew() -> None:
    now = datetime(2026, 5, 4, 20, tzinfo=UTC)  # in Seoul it is the next day
    same = Site(site_id="my.site").with_building("UTC", now=now).turned({}, now=now)
    assert same.compared_from is None
    moved = same.with_building("Asia/Seoul", now=now).turned({}, now=now)
    assert moved.compared_from == date(2026, 5, 6)
    back = moved.turned_back({}, now=now + timedelta(days=1))
    assert back.compared_from == date(2026, 5, 7)


def test_settings_of_the_first_version_are_read() -> None:
    stored = """{"site_id":"my.site","timezone":"Europe/Berlin","generation":2,
        "partitions":{"0001-01-01":8,"2026-05-04":2},"public":true,"allowed_hosts":["x.y"],"read_key_hashes":["ab"],"import_secret":"%s"}"""
    assert decode_site(stored % ("5e" * 32)) == Site(
        site_id="my.site",
        timezone="Europe/Berlin",
        partitions=PartitionSchedule(((date.min, 8), (DAY, 2))),
        generation=2,
        public=True,
        allowed_hosts=("x.y",),
        read_key_hashes=("ab",),
        import_secret="5e" * 32,
    )


def test_settings_of_an_older_and_of_a_newer_version_are_read() -> None:
    older = decode_site('{"site_id": "my.site"}')
    assert older == Site(site_id="my.site", import_secret=older.import_secret)
    newer = decode_site('{"site_id": "my.site", "public": true, "quotas": [{"name": "hits"}]}')
    assert newer.public


@pytest.mark.parametrize(
    "wrong",
    [
        '{"site_id": "my.site", "public": "false"}',
        '{"site_id": "my.site", "public": 1}',
        '{"site_id": "my.site", "partitions": 4}',
        '{"site_id": "my.site", "partitions": {"0001-01-01": true}}',
        '{"site_id": "my.site", "partitions": {"0001-01-01": "4"}}',
        '{"site_id": "my.site", "allowed_hosts": "x.y"}',
        '{"site_id": "my.site", "read_key_hashes": [1]}',
        '{"site_id": "my.site", "import_secret": null}',
        '{"timezone": "UTC"}',
        '["my.site"]',
    ],
)
def test_stored_settings_of_another_type_are_refused(wrong: str) -> None:
    with pytest.raises(TypeError):
        decode_site(wrong)


def test_every_setting_is_stored_and_the_secret_is_not_shown() -> None:
    site = Site(site_id="my.site")
    assert set(json.loads(encode_site(site))) == {setting.name for setting in fields(Site)}
    assert set(SETTINGS) == {setting.name for setting in fields(Site)}
    assert site.import_secret not in repr(site)
