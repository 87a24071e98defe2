"""A day of a site with many pages, as the collector puts it on the stream.

Everything is drawn from the generator that the caller seeds. Unlike `liveinsight.traffic` it makes
no hits, but at once the events that they come to, which takes a tenth of the time: a site of 10
million views a month has 330,000 a day. One record is one page view of one browser.
"""

import heapq
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import accumulate
from random import Random
from typing import Generic, NamedTuple, TypeVar

from aggregates.progress import Position
from aggregates.window import SECOND_MS, day_start
from ingest.hits.judge import partition_key
from ingest.hits.user_agent import describe
from ingest.hits.visitor import partition_of
from liveinsight.traffic.catalogue import BROWSERS, PLACES
from liveinsight.traffic.simulation import BOUNCE_SHARE, HOURS, RETURNING_SHARE, ZIPF_EXPONENT
from processors.record import Record
from runtime.sites.site import Site
from schemas.event import VISITOR_ID_LENGTH, Context, Event, EventBatch, EventType, encode_batch

VIEWS_PER_VISIT = 3.0
"""In the mean."""
MORE_VIEWS = 1 - 1 / ((VIEWS_PER_VISIT - BOUNCE_SHARE) / (1 - BOUNCE_SHARE) - 1)
"""Chance of one more view after the second."""
STAY_MEDIAN_SECONDS, STAY_SIGMA, MAX_STAY_SECONDS = 25.0, 1.0, 20 * 60.0

DIRECT_SHARE, SEARCH_SHARE, LINK_SHARE = 0.34, 0.42, 0.16
"""Visits by address, by a well-known host and by a link on some page; the others by campaigns."""
MOST_CITIES = 3000
PAGES_PER_CITY = 0.5
"""A site of 200 pages is seen from 400 cities."""

SHARD = "shardId-000000000000"
HOUR_SECONDS = 3600

SYLLABLES = (
    *("ba", "be", "co", "da", "de", "el", "fi", "ga", "he", "in", "jo", "ka", "li", "ma"),
    *("ne", "or", "pa", "qui", "ro", "sa", "ti", "ul", "va", "we", "xi", "yo", "za"),
)
SECTIONS = ("shop", "blog", "docs", "guides", "news", "support", "brands", "offers")
KNOWN_HOSTS = (
    *("google.com", "google.com", "google.com", "google.de", "bing.com", "duckduckgo.com"),
    *("facebook.com", "instagram.com", "t.co", "reddit.com", "youtube.com", "chatgpt.com"),
)

Choice = TypeVar("Choice")


class Weighted(Generic[Choice]):
    """Choices, the first ones most often (Zipf)."""

    def __init__(self, choices: Sequence[Choice], exponent: float = ZIPF_EXPONENT) -> None:
        self._choices = choices
        self._cumulated = list(accumulate(rank**-exponent for rank in range(1, len(choices) + 1)))

    def draw(self, rng: Random) -> Choice:
        """Return one."""
        return rng.choices(self._choices, cum_weights=self._cumulated)[0]


class Origin(NamedTuple):
    """What the first view of a visit says of where it came from, in the order of Event's fields."""

    referrer: str = ""
    source: str = ""
    channel: str = "Direct"
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    utm_term: str = ""
    utm_content: str = ""


class Page(NamedTuple):
    """A page of the site."""

    path: str
    title: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a site has, and where its visitors come from. The same number gives the same.

    Args:
        size: how many pages the site has. As many other pages link to it.
    """

    size: int
    pages: Weighted[Page] = field(init=False, repr=False)
    links: Weighted[Origin] = field(init=False, repr=False)
    campaigns: Weighted[Origin] = field(init=False, repr=False)
    places: Weighted[tuple[str, str, str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make the lists."""
        rng = Random(self.size)  # noqa: S311 - must be repeatable
        cities = min(MOST_CITIES, int(self.size / PAGES_PER_CITY))
        for name, choices in (
            ("pages", [_page(rng, number) for number in range(self.size)]),
            ("links", [_link(rng, self.size) for _ in range(self.size)]),
            ("campaigns", [_campaign(rng) for _ in range(max(20, self.size // 10))]),
            ("places", [_place(rng) for _ in range(cities)]),
        ):
            object.__setattr__(self, name, Weighted(choices))

    def origin(self, rng: Random) -> Origin:
        """Return where a visit comes from."""
        drawn = rng.random()
        if drawn < DIRECT_SHARE:
            return Origin()
        if drawn < DIRECT_SHARE + SEARCH_SHARE:
            host = rng.choice(KNOWN_HOSTS)
            return Origin(f"www.{host}", host.split(".")[0].title(), "Organic Search")
        if drawn < DIRECT_SHARE + SEARCH_SHARE + LINK_SHARE:
            return self.links.draw(rng)
        return self.campaigns.draw(rng)


class Visitor(NamedTuple):
    """Who sends events."""

    visitor_id: bytes
    context: Context
    screen_width: int


@dataclass(slots=True)
class Traffic:
    """Views of a site.

    Args:
        catalogue: what the site has.
        site: whose they are.
        rng: the source of all that is random.
    """

    catalogue: Catalogue
    site: Site
    rng: Random
    _known: list[Visitor] = field(default_factory=list)

    def day(self, day: date, views: float, *, begin: float = 0) -> Iterator[EventBatch]:
        """Yield the records of the visits that begin on a day, in order of time.

        Args:
            day: site-local.
            views: how many a whole day has, about.
            begin: an hour; there are no visits that begin before it.
        """
        start = day_start(day, self.site.timezone)
        beginnings = _beginnings(start, views / VIEWS_PER_VISIT, begin, self.rng)
        return _in_order(self._visit(at) for at in beginnings)

    def _visit(self, at: int) -> list[EventBatch]:
        visitor = _visitor(self.catalogue, self._known, self.rng)
        return _visit(self.catalogue, self.site, at, visitor, self.rng)


def records(site: Site, batches: Iterable[EventBatch], first: int = 1) -> Iterator[Record]:
    """Yield batches as records of one shard, which arrive as they are received.

    Args:
        site: which knows its partitions.
        batches: of its visitors.
        first: the sequence number of the first.
    """
    for number, batch in enumerate(batches, first):
        day = site.local_day(datetime.fromtimestamp(batch.received_at / SECOND_MS, tz=UTC))
        key = partition_key(site.site_id, partition_of(site, day, batch.visitor_id))
        yield Record(Position(SHARD, number), key, batch.received_at, encode_batch(batch))


def _beginnings(start: int, visits: float, begin: float, rng: Random) -> Iterator[int]:
    """Yield when visits begin, in epoch milliseconds: more by day than by night."""
    for hour in range(int(begin), len(HOURS)):
        opened = start + hour * HOUR_SECONDS * SECOND_MS
        rate = visits * HOURS[hour] / sum(HOURS)
        at = max(0.0, begin - hour) + rng.expovariate(rate)
        while at < 1:
            yield opened + int(at * HOUR_SECONDS * SECOND_MS)
            at += rng.expovariate(rate)


def _visitor(catalogue: Catalogue, known: list[Visitor], rng: Random) -> Visitor:
    if known and rng.random() < RETURNING_SHARE:
        return known[rng.randrange(len(known))]
    country, region, city = catalogue.places.draw(rng)
    browser, os, device, width = _AGENTS.draw(rng)
    context = Context(browser, os, device, rng.choice(_LANGUAGES), country, region, city)
    visitor = Visitor(rng.randbytes(VISITOR_ID_LENGTH), context, width)
    known.append(visitor)
    return visitor


def _visit(
    catalogue: Catalogue, site: Site, at: int, visitor: Visitor, rng: Random
) -> list[EventBatch]:
    session_id = f"{rng.getrandbits(64):016x}"
    origin = catalogue.origin(rng)
    left = 1
    if rng.random() >= BOUNCE_SHARE:
        left = 2
        while rng.random() < MORE_VIEWS:
            left += 1
    batches = []
    while left:
        page = catalogue.pages.draw(rng)
        event = Event(
            rng.randbytes(16),
            EventType.PAGE_VIEW,
            at,
            session_id,
            site.site_id,
            page.path,
            "",
            page.title,
            *origin,
            screen_width=visitor.screen_width,
        )
        batches.append(EventBatch(site.site_id, visitor.visitor_id, at, visitor.context, (event,)))
        stay = rng.lognormvariate(_LOG_STAY, STAY_SIGMA)
        at += int(min(stay, MAX_STAY_SECONDS) * SECOND_MS)
        origin = _WITHIN
        left -= 1
    return batches


def _in_order(visits: Iterable[list[EventBatch]]) -> Iterator[EventBatch]:
    """Yield the records of visits, given in order of their beginnings, in order of time."""
    waiting: list[tuple[int, bytes, EventBatch]] = []
    for visit in visits:
        while waiting and waiting[0][0] < visit[0].received_at:
            yield heapq.heappop(waiting)[2]
        for batch in visit:
            heapq.heappush(waiting, (batch.received_at, batch.events[0].event_id, batch))
    while waiting:
        yield heapq.heappop(waiting)[2]


def _word(rng: Random) -> str:
    return "".join(rng.choices(SYLLABLES, k=rng.randint(2, 4)))


def _page(rng: Random, number: int) -> Page:
    words = [_word(rng) for _ in range(rng.randint(1, 4))]
    path = f"/{rng.choice(SECTIONS)}/{'-'.join(words)}-{number}" if number else "/"
    return Page(path, " ".join(words).capitalize())


def _link(rng: Random, size: int) -> Origin:
    """Return a page of one of many hosts, each with ten in the mean."""
    number = rng.randrange(max(1, size // 10))
    host = f"{_word(Random(number))}{number}.example"  # noqa: S311 - no secret
    return Origin(f"{host}/t/{_word(rng)}-{rng.randrange(10**6)}", host, "Referral")


def _campaign(rng: Random) -> Origin:
    source, medium = rng.choice(
        (("newsletter", "email"), ("google", "cpc"), ("facebook", "paid-social"), ("bing", "cpc"))
    )
    campaign, term = f"{_word(rng)}-{rng.randrange(10)}", _word(rng)
    return Origin("", source, "Paid Search", source, medium, campaign, term, _word(rng))


def _place(rng: Random) -> tuple[str, str, str]:
    place = rng.choices(PLACES, [one.weight for one in PLACES])[0]
    return place.country, f"{rng.randrange(20):02d}", _word(rng).capitalize()


def _agents() -> Weighted[tuple[str, str, str, int]]:
    listed = []
    for kind in sorted(BROWSERS, key=lambda one: -one.weight):
        agent = describe(kind.user_agent)
        listed.append((agent.browser, agent.os, agent.device.value, kind.screen_widths[0]))
    return Weighted(listed)


_AGENTS = _agents()
_LANGUAGES = tuple(place.language for place in PLACES)
_LOG_STAY = math.log(STAY_MEDIAN_SECONDS)
_WITHIN = Origin()
"""Of the later views of a visit: they come from the site itself."""
