from datetime import date, timedelta

from aggregates.progress import Progress
from aggregates.stores.cache import VersionCache
from aggregates.stores.ports import RollupKey, StoredRollup

DAY = date(2026, 5, 4)


def key(number: int) -> RollupKey:
    return RollupKey(1, "my.site", DAY + timedelta(days=number), 0)


def value(number: int) -> StoredRollup:
    return StoredRollup(progress=Progress(arrived_at=number))


def test_an_item_is_decoded_once_for_each_version() -> None:
    cache, decoded = VersionCache(1000), []

    def get(version: int) -> StoredRollup:
        def decode() -> StoredRollup:
            decoded.append(version)
            return value(version)

        return cache.get(key(0), version, decode, lambda _: 1)

    assert [get(version) for version in (1, 1, 2, 2, 1)] == [value(n) for n in (1, 1, 2, 2, 1)]
    assert decoded == [1, 2, 1]


def test_the_least_recently_used_item_is_forgotten_first() -> None:
    cache, decoded = VersionCache(2), []

    def get(number: int) -> None:
        def decode() -> StoredRollup:
            decoded.append(number)
            return value(number)

        cache.get(key(number), 1, decode, lambda _: 1)

    for number in (0, 1, 0, 2, 0, 2, 1):
        get(number)
    assert decoded == [0, 1, 2, 1]


def test_a_value_that_is_larger_than_all_may_be_is_given_and_forgotten() -> None:
    cache = VersionCache(10)
    assert cache.get("small", 1, lambda: "a", lambda _: 5) == "a"
    assert cache.get("large", 1, lambda: "b", lambda _: 11) == "b"
    assert cache.get("large", 1, lambda: "decoded again", lambda _: 11) == "decoded again"
