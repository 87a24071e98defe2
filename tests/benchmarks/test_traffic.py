"""The traffic that the meters run: repeatable, in order, and as much as was asked for."""

from datetime import date
from itertools import pairwise
from random import Random

import pytest

from aggregates.window import day_start
from benchmarks.traffic import HOUR_SECONDS, VIEWS_PER_VISIT, Catalogue, Traffic
from runtime.sites.site import Site
from schemas.event import EventBatch, decode_batch, encode_batch

SITE = Site(site_id="shop.example")
DAY = date(2026, 5, 4)


def day(views: float, begin: float = 0, seed: int = 1) -> list[EventBatch]:
    return list(Traffic(Catalogue(200), SITE, Random(seed)).day(DAY, views, begin=begin))


def test_the_same_seed_gives_the_same_day() -> None:
    assert day(300) == day(300)
    assert day(300) != day(300, seed=2)


def test_a_day_has_the_views_asked_for_in_visits_of_three_in_order_of_time() -> None:
    views = day(20_000)
    assert len(views) == pytest.approx(20_000, rel=0.05)
    visits = {view.events[0].session_id for view in views}
    assert len(views) / len(visits) == pytest.approx(VIEWS_PER_VISIT, rel=0.05)
    assert all(one.received_at <= other.received_at for one, other in pairwise(views))


def test_nothing_begins_before_the_hour_asked_for() -> None:
    began = day_start(DAY, SITE.timezone) + int(8.5 * HOUR_SECONDS * 1000)
    first = day(20_000, begin=8.5)[0].received_at
    assert began <= first < began + 60_000


def test_a_view_is_what_a_record_may_hold() -> None:
    assert all(decode_batch(encode_batch(view)) == view for view in day(300))
    pages = {view.events[0].page for view in day(20_000)}
    assert len(pages) == 200
