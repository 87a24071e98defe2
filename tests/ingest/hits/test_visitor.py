from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ingest.hits.client import Client
from ingest.hits.visitor import partition_of, visitor_id
from runtime.sites.partitions import PartitionSchedule
from runtime.sites.site import Site

DAY = date(2026, 5, 4)
VISITORS = st.binary(min_size=8, max_size=8)

Identity = tuple[bytes, str, str, str]
IDENTITIES = st.tuples(
    st.binary(min_size=1, max_size=4),
    st.text("ab|", max_size=4),
    st.text("ab|", max_size=4),
    st.text("ab|", max_size=4),
)


def identify(identity: Identity) -> bytes:
    salt, site_id, address, user_agent = identity
    return visitor_id(salt, site_id, Client(address, user_agent))


@given(IDENTITIES, IDENTITIES)
def test_the_same_visitor_and_nobody_else_has_the_id(left: Identity, right: Identity) -> None:
    # HMAC pads a short key with zero bytes: real salts have 32 bytes.
    left, right = (left[0].ljust(32, b"x"), *left[1:]), (right[0].ljust(32, b"x"), *right[1:])
    assert (identify(left) == identify(right)) == (left == right)


def test_an_id_has_eight_bytes_and_takes_any_text() -> None:
    assert len(visitor_id(b"s" * 32, "a", Client("\ud800", "ü"))) == 8


def test_language_and_place_do_not_change_the_id() -> None:
    plain = Client("192.0.2.1", "agent")
    abroad = Client("192.0.2.1", "agent", "de", "FR", "IDF", "Paris")
    assert visitor_id(b"s", "a", plain) == visitor_id(b"s", "a", abroad)


def site_of(partitions: int) -> Site:
    return Site(site_id="shop.example", partitions=PartitionSchedule.always(partitions))


@given(VISITORS, st.integers(1, 1024))
def test_a_visitor_lives_in_one_partition_of_those_there_are(visitor: bytes, number: int) -> None:
    partition = partition_of(site_of(number), DAY, visitor)
    assert 0 <= partition < number
    assert partition == partition_of(site_of(number), DAY + timedelta(days=1), visitor)


def test_partitions_are_those_of_earlier_releases() -> None:
    # A changed hash would put a visitor in two partitions at once and count them twice.
    partitions = [partition_of(site_of(1024), DAY, one.to_bytes(8, "big")) for one in range(3)]
    assert partitions == [924, 71, 786]


def test_visitors_spread_over_all_partitions() -> None:
    partitions = [partition_of(site_of(8), DAY, one.to_bytes(8, "big")) for one in range(800)]
    assert min(partitions.count(partition) for partition in range(8)) > 60


@given(VISITORS, st.integers(1, 1024), st.data())
def test_a_change_moves_no_visitor_of_the_days_before(
    visitor: bytes, number: int, draw: st.DataObject
) -> None:
    later = draw.draw(st.integers(1, min(2 * number, 1024)))
    site, changed_on = site_of(number), DAY + timedelta(days=1)
    changed = replace(site, partitions=site.partitions.changed(later, changed_on))
    for day in (date.min, DAY):
        assert partition_of(changed, day, visitor) == partition_of(site, day, visitor)
    for day in (changed_on, date.max):
        assert partition_of(changed, day, visitor) == partition_of(site_of(later), day, visitor)
