"""Who the client is behind proxies and a CDN, and what a stranger may say of it."""

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveinsight.engine.proxies import MANY, OneAddress, Proxies, proxies_from
from runtime.errors import UsageError
from runtime.settings import EmbeddedSettings


def settings(trusted: str = "", header: str = "") -> EmbeddedSettings:
    return EmbeddedSettings(Path(), trusted_proxies=trusted, client_header=header)


def client(peer: str, chain: str = "", trusted: str = "", header: str = "", **named: str) -> str:
    proxies = proxies_from(settings(trusted, header))
    headers = {name.replace("_", "-"): value for name, value in named.items()}
    return proxies.client(peer, {"x-forwarded-for": chain, **headers})


EDGE = "198.51.100.0/24"


@pytest.mark.parametrize(
    ("peer", "chain", "trusted", "address"),
    [
        ("127.0.0.1", "203.0.113.1", "", "203.0.113.1"),
        ("127.0.0.1", "203.0.113.1, 198.51.100.7", "", "198.51.100.7"),
        ("127.0.0.1", "203.0.113.1, 198.51.100.7", EDGE, "203.0.113.1"),
        ("127.0.0.1", "6.6.6.6, 203.0.113.1, 198.51.100.7", EDGE, "203.0.113.1"),
        ("172.18.0.5", "203.0.113.1", "172.16.0.0/12", "203.0.113.1"),
        ("172.18.0.5", "203.0.113.1", "", ""),
        ("172.18.0.5", "203.0.113.1, 172.18.0.1", "172.16.0.0/12", "203.0.113.1"),
        ("203.0.113.9", "6.6.6.6", "172.16.0.0/12", ""),
        ("172.18.0.5", "10.1.1.1, 172.18.0.1", "172.16.0.0/12, 10.0.0.0/8", "10.1.1.1"),
        ("172.18.0.5", "6.6.6.6, 203.0.113.1, 198.51.100.7", "2", "203.0.113.1"),
        ("172.18.0.5", "203.0.113.1", "1", "203.0.113.1"),
        ("172.18.0.5", "203.0.113.1", "2", ""),
        ("127.0.0.1", "203.0.113.1, nonsense", EDGE, ""),
        ("127.0.0.1", "", EDGE, ""),
        ("::1", "2001:db8::7, [2001:db8:1::1]:443", "2001:db8:1::/48", "2001:db8::7"),
        ("127.0.0.1", "::ffff:203.0.113.4", "", "203.0.113.4"),
    ],
)
def test_a_chain_is_read_from_the_right(peer: str, chain: str, trusted: str, address: str) -> None:
    assert client(peer, chain, trusted) == address


def test_a_named_header_is_believed_from_a_proxy_alone() -> None:
    named = {"cf_connecting_ip": "203.0.113.1"}
    chain = "203.0.113.1, 198.51.100.7"
    assert client("127.0.0.1", chain, header="CF-Connecting-IP", **named) == "203.0.113.1"
    assert client("127.0.0.1", chain, header="CF-Connecting-IP") == "198.51.100.7"
    assert client("203.0.113.66", "", header="CF-Connecting-IP", **named) == ""
    assert client("127.0.0.1", chain, **named) == "198.51.100.7"


@pytest.mark.parametrize("trusted", ["0", "11", "nginx", "10.0.0.0/33", "10.0.0.1/8"])
def test_what_names_no_proxies_is_refused(trusted: str) -> None:
    with pytest.raises(UsageError, match="LIVEINSIGHT_TRUSTED_PROXIES"):
        client("127.0.0.1", trusted=trusted)


def test_what_is_no_header_is_refused() -> None:
    with pytest.raises(UsageError, match="LIVEINSIGHT_CLIENT_HEADER"):
        client("127.0.0.1", header="X Forwarded")


@given(st.text(max_size=200))
def test_no_chain_makes_it_raise(chain: str) -> None:
    Proxies().client("127.0.0.1", {"x-forwarded-for": chain})


def test_the_log_says_once_that_all_visitors_share_an_address(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watch = OneAddress()
    with caplog.at_level(logging.WARNING):
        for _ in range(3 * MANY):
            watch.saw("172.18.0.5", "172.18.0.5", is_forwarded=True)
    assert caplog.text.count("LIVEINSIGHT_TRUSTED_PROXIES") == 1


def test_it_says_nothing_where_addresses_differ_or_are_a_visitors(
    caplog: pytest.LogCaptureFixture,
) -> None:
    differ, visitor = OneAddress(), OneAddress()
    with caplog.at_level(logging.WARNING):
        for number in range(2 * MANY):
            differ.saw("127.0.0.1", f"203.0.113.{number % 2}", is_forwarded=True)
            visitor.saw("203.0.113.9", "203.0.113.9", is_forwarded=False)
    assert not caplog.text
