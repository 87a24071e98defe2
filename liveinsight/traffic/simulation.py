"""Believable traffic for a demo site: who comes, when, from where, and what they do. Pure.

Everything is drawn from the generator that the caller seeds: the same seed gives the same events,
with the same ids. Addresses are from ranges reserved for benchmarks and documentation (RFC 2544,
RFC 3849), so that no simulated visitor is anybody's.
"""

import heapq
import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from itertools import accumulate, count
from random import Random
from typing import Generic, TypeVar
from uuid import UUID

from ingest.hits.client import Client
from liveinsight.traffic.catalogue import (
    ARRIVALS,
    BROWSERS,
    PAGES,
    PLACES,
    Arrival,
    Goal,
    Page,
)
from schemas.hit import Hit, HitRevenue

BOUNCE_SHARE = 0.45
"""Visits of one page view and no custom event."""
MORE_PAGES = 0.6
"""Chance of one more page after the second: 3.5 pages in the mean visit that is no bounce."""
MAX_PAGES = 40
ENGAGEMENT_SHARE = 0.8
"""Page views after which the browser still reports how long the page was read."""
GOAL_SHARE = 0.12
"""Page views, in visits that are no bounce, with a custom event."""
RETURNING_SHARE = 0.3
"""Visits by one of the last REMEMBERED_VISITORS visitors."""
REMEMBERED_VISITORS = 2000
ENGLISH_SHARE = 0.1
"""Visitors whose browser speaks English, whatever the place does."""
IPV6_SHARE = 0.35

STAY_MEDIAN_SECONDS = 25.0
STAY_SIGMA = 1.0
MAX_STAY_SECONDS = 20 * 60.0
"""Below the 30 minutes that end a visit."""
CLICK_SECONDS = 0.4
"""From leaving a page to viewing the next."""

ZIPF_EXPONENT = 0.9

HOURS = (
    *(0.35, 0.26, 0.2, 0.17, 0.17, 0.22, 0.4, 0.7, 1.05, 1.4, 1.6, 1.65),
    *(1.5, 1.5, 1.62, 1.6, 1.5, 1.35, 1.2, 1.15, 1.2, 1.15, 0.9, 0.56),
)
"""Visits by local hour: office hours, with a second, lower evening."""
WEEKDAYS = (1.12, 1.18, 1.17, 1.12, 0.98, 0.68, 0.75)
"""Visits by weekday, from Monday on; 1 in the mean."""

HOUR_SECONDS = 3600
WARM_UP_SECONDS = 5 * 60.0

BENCHMARK_NETWORK = int(IPv4Address("198.18.0.0"))
BENCHMARK_BITS = 17
DOCUMENTATION_NETWORK = int(IPv6Address("2001:db8::"))
DOCUMENTATION_BITS = 96

Choice = TypeVar("Choice")


@dataclass(frozen=True, slots=True)
class SimulatedEvent:
    """One event, who sent it, and when it happens."""

    at: float
    """Seconds: since 1970 for `visits_starting`, since the start for `live_events`."""
    client: Client
    hit: Hit
    """With event id and session id, without a time."""


Visit = list[SimulatedEvent]
"""The events of one session, in order."""


class _Weighted(Generic[Choice]):
    """Draws from weighted choices."""

    def __init__(self, choices: Sequence[Choice], weights: Iterable[float]) -> None:
        self._choices = choices
        self._cumulated = list(accumulate(weights))

    def draw(self, rng: Random) -> Choice:
        return rng.choices(self._choices, cum_weights=self._cumulated)[0]


_BROWSERS = _Weighted(BROWSERS, (browser.weight for browser in BROWSERS))
_PLACES = _Weighted(PLACES, (place.weight for place in PLACES))
_PAGES = _Weighted(PAGES, (1 / rank**ZIPF_EXPONENT for rank in range(1, len(PAGES) + 1)))
_PAGE_BY_PATH = {page.path: page for page in PAGES}


@dataclass(frozen=True, slots=True)
class _Visitor:
    client: Client
    screen_width: int


class Traffic:
    """Makes the visits to one site, one after the other.

    Args:
        site_id: the host of the pages.
        rng: the source of all that is random.
        arrivals: how visits begin, each as often as its weight says.
    """

    def __init__(self, site_id: str, rng: Random, arrivals: Sequence[Arrival] = ARRIVALS) -> None:
        self._site_id = site_id
        self._rng = rng
        self._arrivals = _Weighted(arrivals, (arrival.weight for arrival in arrivals))
        self._known: deque[_Visitor] = deque(maxlen=REMEMBERED_VISITORS)

    def visit(self, at: float) -> Visit:
        """Return the events of a visit that begins at a moment, in seconds."""
        session = _Session(self._site_id, self._rng, self._visitor())
        arrival = self._arrivals.draw(self._rng)
        pages = self._pages(arrival)
        is_bounce = len(pages) == 1
        referrer, query = arrival.referrer, arrival.query
        for page in pages:
            url = f"https://{self._site_id}{page.path}" + (f"?{query}" if query else "")
            stay = _stay(self._rng)
            session.view(at, page, url, referrer)
            if not is_bounce and self._rng.random() < GOAL_SHARE:
                session.reach(at + stay * 0.6, page.goal, url)
            if self._rng.random() < ENGAGEMENT_SHARE:
                session.leave(at + stay, url, stay)
            at += stay + CLICK_SECONDS
            referrer, query = url, ""
        return session.events

    def _visitor(self) -> _Visitor:
        rng = self._rng
        if self._known and rng.random() < RETURNING_SHARE:
            return self._known[rng.randrange(len(self._known))]
        browser = _BROWSERS.draw(rng)
        place = _PLACES.draw(rng)
        client = Client(
            address=_address(rng),
            user_agent=browser.user_agent,
            language="en-US" if rng.random() < ENGLISH_SHARE else place.language,
            country=place.country,
            region=place.region,
            city=place.city,
        )
        visitor = _Visitor(client, rng.choice(browser.screen_widths))
        self._known.append(visitor)
        return visitor

    def _pages(self, arrival: Arrival) -> list[Page]:
        rng = self._rng
        entry = _PAGE_BY_PATH[rng.choice(arrival.landing)] if arrival.landing else _PAGES.draw(rng)
        if rng.random() < BOUNCE_SHARE:
            return [entry]
        pages = [entry, _other_page(rng, entry)]
        while len(pages) < MAX_PAGES and rng.random() < MORE_PAGES:
            pages.append(_other_page(rng, pages[-1]))
        return pages


class _Session:
    """Collects the events of one visit."""

    def __init__(self, site_id: str, rng: Random, visitor: _Visitor) -> None:
        self.events: Visit = []
        self._site_id = site_id
        self._rng = rng
        self._visitor = visitor
        self._session_id = f"{rng.getrandbits(64):016x}"

    def view(self, at: float, page: Page, url: str, referrer: str) -> None:
        fields: dict[str, object] = {"event_type": "page_view", "page_url": url}
        fields["title"] = page.title
        fields["referrer"] = referrer or None
        self._add(at, fields)

    def reach(self, at: float, goal: Goal, url: str) -> None:
        fields: dict[str, object] = {"event_type": "custom", "page_url": url, "name": goal.name}
        fields["props"] = self._rng.choice(goal.props)
        if goal.prices:
            price = Decimal(self._rng.choice(goal.prices))
            fields["revenue"] = HitRevenue(amount=price, currency="EUR")
        self._add(at, fields)

    def leave(self, at: float, url: str, stay: float) -> None:
        """Report how long and how far a page was read, of the seconds it was open."""
        self._add(
            at,
            {
                "event_type": "engagement",
                "page_url": url,
                "engaged_ms": int(stay * 1000 * self._rng.uniform(0.5, 1.0)),
                "scroll_depth": min(100, int(self._rng.betavariate(2.2, 1.2) * 105)),
            },
        )

    def _add(self, at: float, fields: dict[str, object]) -> None:
        hit = Hit.model_validate(
            fields
            | {
                "event_id": str(UUID(int=self._rng.getrandbits(128), version=4)),
                "session_id": self._session_id,
                "site_id": self._site_id,
                "screen_width": self._visitor.screen_width,
                "language": self._visitor.client.language,
            }
        )
        self.events.append(SimulatedEvent(at, self._visitor.client, hit))


def visits_starting(
    start: datetime, end: datetime, per_day: float, traffic: Traffic, rng: Random
) -> Iterator[Visit]:
    """Yield the visits that begin in `start <= at < end`, in order of their beginnings.

    What comes before a moment does not depend on `end`.
    """
    at, ends_at = start.timestamp(), end.timestamp()
    while at < ends_at:
        hour_ends_at = (at // HOUR_SECONDS + 1) * HOUR_SECONDS
        local = datetime.fromtimestamp(at, start.tzinfo)
        rate = per_day / (24 * HOUR_SECONDS) * _hour_share(local) * WEEKDAYS[local.weekday()]
        # Waiting times have no memory: each hour may start to wait anew, at its own rate.
        at += rng.expovariate(rate) if rate else HOUR_SECONDS
        if at >= hour_ends_at:
            at = hour_ends_at
        elif at < ends_at:
            yield traffic.visit(at)


def live_events(events_per_second: float, *, site_id: str, rng: Random) -> Iterator[SimulatedEvent]:
    """Yield endless events in order of time, from second 0 on, evenly day and night.

    Some visitors are on the site already at second 0, so that the rate is right from the start.
    """
    traffic = Traffic(site_id, rng)
    starts = accumulate(_endless_gaps(events_per_second / EVENTS_PER_VISIT, rng))
    visits = (traffic.visit(start - WARM_UP_SECONDS) for start in starts)
    return (event for event in in_order(visits) if event.at >= 0)


def endless_visits(*, site_id: str, rng: Random) -> Iterator[Visit]:
    """Yield visits without end, each beginning at second 0."""
    traffic = Traffic(site_id, rng)
    while True:
        yield traffic.visit(0.0)


def in_order(visits: Iterable[Visit]) -> Iterator[SimulatedEvent]:
    """Yield the events of visits, given in order of their beginnings, in order of time."""
    numbers = count()
    waiting: list[tuple[float, int, SimulatedEvent]] = []
    for visit in visits:
        while waiting and waiting[0][0] < visit[0].at:
            yield heapq.heappop(waiting)[2]
        for event in visit:
            heapq.heappush(waiting, (event.at, next(numbers), event))
    while waiting:
        yield heapq.heappop(waiting)[2]


def _events_per_visit() -> float:
    pages_if_no_bounce = 2 + MORE_PAGES / (1 - MORE_PAGES)
    pages = BOUNCE_SHARE + (1 - BOUNCE_SHARE) * pages_if_no_bounce
    goals = (1 - BOUNCE_SHARE) * pages_if_no_bounce * GOAL_SHARE
    return pages * (1 + ENGAGEMENT_SHARE) + goals


EVENTS_PER_VISIT = _events_per_visit()
"""Events in the mean visit (about 4.5)."""


def _endless_gaps(rate: float, rng: Random) -> Iterator[float]:
    while True:
        yield rng.expovariate(rate)


def _hour_share(local: datetime) -> float:
    return HOURS[local.hour] * len(HOURS) / sum(HOURS)


def _stay(rng: Random) -> float:
    return min(rng.lognormvariate(math.log(STAY_MEDIAN_SECONDS), STAY_SIGMA), MAX_STAY_SECONDS)


def _other_page(rng: Random, current: Page) -> Page:
    page = _PAGES.draw(rng)
    while page is current:
        page = _PAGES.draw(rng)
    return page


def _address(rng: Random) -> str:
    if rng.random() < IPV6_SHARE:
        return str(IPv6Address(DOCUMENTATION_NETWORK + rng.getrandbits(DOCUMENTATION_BITS)))
    return str(IPv4Address(BENCHMARK_NETWORK + rng.getrandbits(BENCHMARK_BITS)))
