"""What clients and sites may send, and connections that keep others out."""

import random
from pathlib import Path

import pytest

from liveinsight.engine.rates import (
    BURST_SECONDS,
    CLIENT_PLACES,
    FILE_BYTES,
    Buckets,
    client_of,
    make_file,
    shared,
)


def buckets(per_second: float = 10, places: int = 1 << 10) -> Buckets:
    return Buckets(memoryview(bytearray(8 * places)).cast("d"), b"k" * 16, per_second)


def test_a_quiet_sender_has_a_burst_and_then_its_rate() -> None:
    rate = buckets(per_second=10)
    now, sent = 1000.0, 0
    while rate.wait("a", now) == 0:
        rate.charge("a", 1, now)
        sent += 1
    assert sent == pytest.approx(10 * BURST_SECONDS, abs=2)
    for second in range(1, 101):
        later = now + second
        while rate.wait("a", later) == 0:
            rate.charge("a", 1, later)
            sent += 1
    assert sent == pytest.approx(10 * (BURST_SECONDS + 100), abs=2)


def test_what_costs_much_is_taken_and_waited_for() -> None:
    rate = buckets(per_second=1)
    assert rate.wait("a", 0.0) == 0
    rate.charge("a", 50, 0.0)
    assert rate.wait("a", 0.0) == pytest.approx(50 - BURST_SECONDS)
    assert rate.wait("a", 20.0) == 0


def test_one_sender_costs_no_other_anything() -> None:
    rate = buckets()
    for _ in range(10_000):
        rate.charge("flood", 1, 0.0)
    assert rate.wait("flood", 0.0) > 0
    assert [rate.wait(f"client {n}", 0.0) for n in range(1000)] == [0.0] * 1000


def test_even_many_that_flood_leave_nearly_all_others_alone() -> None:
    rate = buckets(places=CLIENT_PLACES)
    for number in range(5_000):
        rate.charge(f"flood {number}", 10_000, 0.0)
    hindered = sum(rate.wait(f"client {n}", 0.0) > 0 for n in range(10_000))
    assert hindered < 100  # (2 * 5,000 / 131,072) ** 2 of them, about 58


def test_however_many_send_the_table_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "rates"
    make_file(path)
    clients = shared(path, client_rate=10, site_rate=10).clients
    assert clients is not None
    for number in range(50_000):
        clients.charge(f"client {number}", 1, 0.0)
    assert path.stat().st_size == FILE_BYTES < 1_200_000


def test_workers_share_what_a_client_may_send(tmp_path: Path) -> None:
    path = tmp_path / "rates"
    make_file(path)
    one, other = (shared(path, client_rate=10, site_rate=20).clients for _ in range(2))
    assert one is not None
    assert other is not None
    one.charge("a", 10 * BURST_SECONDS + 100, 0.0)
    assert other.wait("a", 0.0) == pytest.approx(10)
    assert other.wait("b", 0.0) == 0


def test_no_rate_is_no_limit(tmp_path: Path) -> None:
    path = tmp_path / "rates"
    make_file(path)
    rates = shared(path, client_rate=0, site_rate=0)
    assert (rates.clients, rates.sites) == (None, None)


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1::1", "20010db800000001::"),
        ("2001:db8:0:1:ffff::2%eth0", "20010db800000001::"),
        ("nonsense", "nonsense"),
        ("", ""),
    ],
)
def test_a_client_is_an_address_or_the_network_that_it_has(address: str, client: str) -> None:
    assert client_of(address) == client


def test_any_text_is_somebody() -> None:
    rate = buckets()
    for _ in range(200):
        sender = "".join(chr(random.randrange(0x110000)) for _ in range(20))
        rate.charge(sender, 1, 0.0)
        assert rate.wait(sender, 0.0) == 0
