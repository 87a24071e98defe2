"""The contract of every SaltStore, and that a salt which is deleted is gone."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ingest.salts.salts import SALT_LIFETIME, SaltStore
from ingest.salts.sqlite import SqliteSaltStore

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
DAY = date(2026, 5, 4)


@pytest.fixture(params=["sqlite", "dynamodb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SaltStore:
    if request.param == "sqlite":
        return SqliteSaltStore(tmp_path / "salts.sqlite")
    salts: SaltStore = request.getfixturevalue("aws").salts()
    return salts


def test_the_first_salt_of_a_day_stands(store: SaltStore) -> None:
    assert store.salt("my.site", DAY, fresh=b"first", now=NOW) == b"first"
    assert store.salt("my.site", DAY, fresh=b"second", now=NOW) == b"first"
    assert store.salt("other.site", DAY, fresh=b"other", now=NOW) == b"other"


def test_a_salt_is_gone_after_its_lifetime(store: SaltStore) -> None:
    store.salt("my.site", DAY, fresh=b"first", now=NOW)
    later = NOW + SALT_LIFETIME
    assert store.salt("my.site", DAY, fresh=b"new", now=later) == b"first"
    assert store.salt("my.site", DAY, fresh=b"new", now=later + timedelta(seconds=1)) == b"new"


def test_the_salts_of_a_site_are_erased(store: SaltStore) -> None:
    for number in range(3):
        store.salt("my.site", DAY + timedelta(days=number), fresh=b"old", now=NOW)
    for site_id in ("my.site.example", "m.my.site"):
        store.salt(site_id, DAY, fresh=b"other", now=NOW)
    assert store.erase("my.site") == 3
    assert store.erase("my.site") == 0
    assert store.salt("my.site", DAY, fresh=b"new", now=NOW) == b"new"
    assert store.salt("my.site.example", DAY, fresh=b"new", now=NOW) == b"other"
    assert store.salt("m.my.site", DAY, fresh=b"new", now=NOW) == b"other"


def test_a_salt_that_has_expired_is_in_no_byte_of_the_file(tmp_path: Path) -> None:
    store, salt = SqliteSaltStore(tmp_path / "salts.sqlite"), b"thirty-two bytes that are secret"
    store.salt("my.site", DAY, fresh=salt, now=NOW)
    assert any(salt in path.read_bytes() for path in tmp_path.iterdir())
    assert store.delete_expired(NOW + SALT_LIFETIME + timedelta(seconds=1)) == 1
    assert [path for path in tmp_path.iterdir() if salt in path.read_bytes()] == []
