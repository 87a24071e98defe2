from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from ingest.hits.client import Client
from ingest.hits.visitor import local_day, visitor_id
from runtime.sites.site import Site

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


def test_midnight_is_the_sites() -> None:
    moment = datetime(2026, 3, 13, 23, 30, tzinfo=UTC)
    assert local_day(Site(site_id="a.example"), moment) == date(2026, 3, 13)
    assert local_day(Site(site_id="a.example", timezone="Asia/Tokyo"), moment) == date(2026, 3, 14)
