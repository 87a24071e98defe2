"""The traffic model: repeatable, believable, valid."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise, takewhile
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from ingest.hits.bots import is_bot
from ingest.hits.user_agent import Device, describe
from liveinsight.traffic.catalogue import ARRIVALS, BROWSERS, PAGES, PLACES
from liveinsight.traffic.simulation import (
    BOUNCE_SHARE,
    EVENTS_PER_VISIT,
    HOURS,
    MAX_STAY_SECONDS,
    WEEKDAYS,
    SimulatedEvent,
    Traffic,
    Visit,
    endless_visits,
    in_order,
    live_events,
    visits_starting,
)
from schemas.hit import Hit

SITE_ID = "demo.example"
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def visits(count: int, seed: int = 1) -> list[Visit]:
    return list(islice(endless_visits(site_id=SITE_ID, rng=Random(seed)), count))


def between(start: datetime, end: datetime, per_day: float, seed: int) -> list[SimulatedEvent]:
    """The events of `start <= at < end` in order of time."""
    rng = Random(seed)
    begun = visits_starting(start, end, per_day, Traffic(SITE_ID, rng), rng)
    return list(takewhile(lambda event: event.at < end.timestamp(), in_order(begun)))


def week(per_day: float = 400, seed: int = 1) -> list[SimulatedEvent]:
    return between(MONDAY, MONDAY + timedelta(days=7), per_day, seed)


def test_the_same_seed_gives_the_same_events() -> None:
    assert week(50) == week(50)
    assert week(50) != week(50, seed=2)


def test_events_come_in_order_of_time_and_within_the_bounds() -> None:
    times = [event.at for event in week()]
    assert times == sorted(times)
    assert MONDAY.timestamp() <= times[0] <= times[-1] < MONDAY.timestamp() + 7 * 86400


def test_what_comes_before_a_moment_does_not_depend_on_the_end() -> None:
    def until(hours: int) -> list[SimulatedEvent]:
        return between(MONDAY, MONDAY + timedelta(hours=hours), 500, seed=3)

    half_a_day = until(12)
    assert until(20)[: len(half_a_day)] == half_a_day


def test_a_week_has_the_visits_asked_for() -> None:
    sessions = {event.hit.session_id for event in week(per_day=400)}
    assert len(sessions) == pytest.approx(7 * 400, abs=4 * (7 * 400) ** 0.5)


def test_days_and_hours_have_their_shape() -> None:
    zone = ZoneInfo("America/New_York")
    start = MONDAY.replace(tzinfo=zone)
    events = between(start, start + timedelta(days=7), 2000, seed=1)
    seen: set[str | None] = set()
    by_hour: Counter[int] = Counter()
    by_day: Counter[int] = Counter()
    for event in events:
        if event.hit.session_id not in seen:
            seen.add(event.hit.session_id)
            local = datetime.fromtimestamp(event.at, zone)
            by_hour[local.hour] += 1
            by_day[local.weekday()] += 1
    for hour, weight in enumerate(HOURS):
        expected = len(seen) * weight / sum(HOURS)
        assert by_hour[hour] == pytest.approx(expected, abs=5 * expected**0.5)
    for day, weight in enumerate(WEEKDAYS):
        assert by_day[day] == pytest.approx(2000 * weight, abs=5 * (2000 * weight) ** 0.5)


def test_a_visit_has_the_mean_number_of_events() -> None:
    lengths = [len(visit) for visit in visits(5000)]
    assert sum(lengths) / len(lengths) == pytest.approx(EVENTS_PER_VISIT, rel=0.05)


def test_bounces_have_their_share_and_no_custom_events() -> None:
    kinds = [Counter(event.hit.event_type for event in visit) for visit in visits(5000)]
    bounces = [kind for kind in kinds if kind["page_view"] == 1]
    assert len(bounces) / len(kinds) == pytest.approx(BOUNCE_SHARE, abs=0.03)
    assert not any(bounce["custom"] for bounce in bounces)


def test_a_visit_is_one_session_of_one_visitor_without_long_pauses() -> None:
    for visit in visits(500):
        assert visit[0].hit.event_type == "page_view"
        assert len({event.hit.session_id for event in visit}) == 1
        assert len({event.client for event in visit}) == 1
        gaps = [after.at - before.at for before, after in pairwise(visit)]
        assert all(0 <= gap <= MAX_STAY_SECONDS + 1 for gap in gaps)


def test_a_visit_goes_from_page_to_page() -> None:
    for visit in visits(200):
        views = [event.hit for event in visit if event.hit.event_type == "page_view"]
        for before, after in pairwise(views):
            assert after.referrer == before.page_url
            assert after.page_url.partition("?")[0] != before.page_url.partition("?")[0]
            assert "?" not in after.page_url


def test_every_event_is_a_valid_hit_with_an_id_of_its_own() -> None:
    hits = [event.hit for visit in visits(1000) for event in visit]
    for hit in hits:
        assert Hit.model_validate_json(hit.model_dump_json(exclude_none=True)) == hit
        assert UUID(hit.event_id).version == 4
        assert (hit.event_type == "custom") == (hit.name is not None)
    assert len({hit.event_id for hit in hits}) == len(hits)
    assert {hit.event_type for hit in hits} == {"page_view", "custom", "engagement"}
    assert {hit.name for hit in hits} == {None, "signup", "purchase", "download", "outbound"}
    assert all((hit.revenue is not None) == (hit.name == "purchase") for hit in hits)


def test_pages_follow_their_rank() -> None:
    views = Counter(
        event.hit.page_url.removeprefix(f"https://{SITE_ID}").partition("?")[0]
        for visit in visits(5000)
        for event in visit
        if event.hit.event_type == "page_view"
    )
    assert set(views) == {page.path for page in PAGES}
    assert views["/"] > views["/pricing"] > views["/docs/"] > views["/legal/terms"]


def test_visitors_come_back() -> None:
    sessions = Counter(visit[0].client for visit in visits(1000))
    assert 0.6 < len(sessions) / 1000 < 0.8


@pytest.mark.parametrize("rate", [2.0, 40.0])
def test_live_traffic_has_its_rate_from_the_start(rate: float) -> None:
    events = live_events(rate, site_id=SITE_ID, rng=Random(5))
    minutes: dict[int, int] = defaultdict(int)
    for event in takewhile(lambda event: event.at < 1200, events):
        minutes[int(event.at // 60)] += 1
    # Events come in visits, so their number spreads more than that of visits.
    spread = 5 * (EVENTS_PER_VISIT * rate * 1200) ** 0.5
    assert sum(minutes.values()) == pytest.approx(rate * 1200, abs=spread)
    assert minutes[0] > rate * 60 * 0.4


def test_live_events_come_in_order_of_time() -> None:
    times = [event.at for event in islice(live_events(20, site_id=SITE_ID, rng=Random(5)), 3000)]
    assert times == sorted(times)
    assert times[0] >= 0


def test_the_catalogue_is_of_people() -> None:
    assert len(BROWSERS) >= 40
    assert not [browser for browser in BROWSERS if is_bot(browser.user_agent)]
    agents = [describe(browser.user_agent) for browser in BROWSERS]
    assert all(agent.browser and agent.os for agent in agents)
    assert {agent.device for agent in agents} == {Device.DESKTOP, Device.MOBILE, Device.TABLET}


def test_the_catalogue_is_consistent() -> None:
    paths = [page.path for page in PAGES]
    assert len(set(paths)) == len(paths)
    assert {path for arrival in ARRIVALS for path in arrival.landing} <= set(paths)
    assert all(len(place.country) == 2 and place.city for place in PLACES)
    assert sum(WEEKDAYS) == pytest.approx(7)
    assert len(HOURS) == 24
    assert date(2026, 3, 2).weekday() == 0
