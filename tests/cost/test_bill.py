"""What a month costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveinsight.cost.bill import Line, Load, bill
from liveinsight.cost.profiles import PROFILES, ProfileName
from liveinsight.cost.units import CONSUMERS, NAMES, metered

LEAN, STANDARD, GUARDED = (PROFILES[name] for name in ProfileName)
VIEWS = st.floats(1, 1e10)
PAGES = st.floats(1, 1e6)
PROFILE = st.sampled_from(list(ProfileName))


def dollars(lines: list[Line], service: str = "") -> float:
    return sum(line.dollars for line in lines if service in {"", line.service})


def test_a_bill_by_hand() -> None:
    """Of a million views: what each passes, at list prices."""
    views, looks = 1e6, 40 * 3600 * (1 / 3 + 1 / 15)
    lean, guarded = bill(Load(views), LEAN), bill(Load(views), GUARDED)
    assert dollars(lean, "Kinesis") == pytest.approx(730 * 0.015 + views * 0.014e-6)
    assert dollars(guarded, "Kinesis") == pytest.approx(2 * 730 * 0.035 + views * 0.014e-6)
    requests = views * 4 / 3
    assert dollars(lean, "API Gateway") == pytest.approx(requests * 1e-6 + looks * 3.5e-6)
    assert dollars(guarded, "API Gateway") == pytest.approx((requests + looks) * 3.5e-6)
    seen = 2 * (requests + looks) + views / 3
    assert dollars(guarded, "WAF") == pytest.approx(2 * 5 + 6 + seen * 0.6e-6)
    assert dollars(lean, "WAF") == 0


def test_what_was_metered_is_what_the_model_uses() -> None:
    for pages, months in metered().months.items():
        for views, units in months:
            assert metered().used(views, pages) == pytest.approx(dict(units))
    for consumer in CONSUMERS:
        assert Load(1e7).used(consumer, "write_units") > 0


@given(VIEWS, PAGES)
def test_between_two_metered_months_nothing_leaves_their_range(views: float, pages: float) -> None:
    used = metered().used(views, pages)
    every = [units for months in metered().months.values() for _, units in months]
    for name in NAMES:
        values = [units[name] for units in every]
        assert min(values) - 1e-6 <= used[name] <= max(values) + 1e-6


@given(VIEWS, st.floats(1, 10), PAGES, PROFILE)
def test_more_views_never_cost_less(
    views: float, more: float, pages: float, name: ProfileName
) -> None:
    few, many = (bill(Load(one, pages), PROFILES[name]) for one in (views, views * more))
    assert dollars(few) <= dollars(many) * (1 + 1e-9)


@given(VIEWS, PAGES, st.integers(1, 1000))
def test_each_profile_costs_more_than_the_one_before(
    views: float, pages: float, sites: int
) -> None:
    load = Load(views, pages, sites)
    lean, standard, guarded = (dollars(bill(load, PROFILES[name])) for name in ProfileName)
    assert lean < standard < guarded


@given(VIEWS, PAGES, st.integers(1, 1000), PROFILE)
def test_the_same_views_on_more_sites_never_cost_less(
    views: float, pages: float, sites: int, name: ProfileName
) -> None:
    one, many = (dollars(bill(Load(views, pages, count), PROFILES[name])) for count in (1, sites))
    assert one <= many * 1.02, "metered months differ by noise"


def test_a_stream_grows_with_what_comes() -> None:
    """A busiest second of five times the mean; a shard takes 1,000 records of it."""
    (hours,) = (line for line in bill(Load(1e9), LEAN) if line.what == "shard hours")
    assert hours.quantity == 2 * 730


def test_without_views_only_what_stands_and_one_dashboard_cost() -> None:
    lines = bill(Load(0), STANDARD)
    assert dollars([line for line in lines if line.is_fixed]) > 0.9 * dollars(lines)
