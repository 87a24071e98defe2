"""No visitor makes an item that a table does not take, stops the counting, or hides others.

The attacks go through the real consumers into the tables of both engines. Each is a day on which
some people come as usual, then somebody attacks, then the same people come again.
"""

import os
import string
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.minute import LiveVisitor, Minute, shrunk
from aggregates.minute import merge as merge_minutes
from aggregates.progress import Progress
from aggregates.rollup import BREAKDOWNS, TOTAL, Counters, Dimension, Rollup, merge
from aggregates.stores import encoding
from aggregates.stores.opener import minutes, rollups, seals, visitors
from aggregates.stores.ports import Layer, RollupKey, StoredMinute, StoredRollup
from aggregates.value import OTHER, value_of
from processors.dead_letter import dead_letters
from processors.realtime.processor import RealtimeProcessor
from processors.stats.processor import StatsProcessor, StatsStores
from runtime.errors import PermanentError
from runtime.settings import AwsSettings, EmbeddedSettings, Settings
from runtime.sites.cache import SiteCache
from runtime.sites.opener import sites
from runtime.sites.site import Site
from schemas.event import Context, Event, EventBatch, EventType
from tests.processors.stream import SITE, records
from tests.whole_days import whole_days

DAY = date(2026, 5, 4)
START = int(datetime(2026, 5, 4, 9, 0, tzinfo=UTC).timestamp()) * 1000
NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
PEOPLE = 5
NO_CONTEXT = Context()
LETTERS = string.ascii_letters + string.digits
ALWAYS = (Dimension.SOURCE, Dimension.CHANNEL, Dimension.COUNTRY, Dimension.BROWSER)

Attack = Callable[[Random], list[EventBatch]]


def event(random: Random, **fields: Any) -> Event:
    made: dict[str, Any] = {
        "event_id": random.randbytes(16),
        "event_type": EventType.PAGE_VIEW,
        "occurred_at": START + random.randrange(60_000),
        "session_id": "session-a",
        "hostname": SITE,
        "page": "/",
    }
    return Event(**(made | fields))


def request(visitor: int, events: list[Event], context: Context = NO_CONTEXT) -> EventBatch:
    visitor_id = (2 * visitor).to_bytes(8, "big")  # all in one partition
    return EventBatch(SITE, visitor_id, START, context, tuple(events))


def people(random: Random, page: str) -> list[EventBatch]:
    return [request(number, [event(random, page=page)]) for number in range(PEOPLE)]


def letters(random: Random, size: int) -> str:
    return "".join(random.choices(LETTERS, k=size))


def ten_requests_with_random_paths(random: Random) -> list[EventBatch]:
    return [
        request(99, [event(random, page=f"/{letters(random, 1959)}") for _ in range(30)])
        for _ in range(10)
    ]


def five_thousand_visitors_with_a_path_each(random: Random) -> list[EventBatch]:
    return [
        request(1000 + n, [event(random, page=f"/item/{random.randbytes(16).hex()}")])
        for n in range(5000)
    ]


def four_bytes_a_character(random: Random) -> list[EventBatch]:
    def text() -> str:
        return "".join(chr(random.randrange(0x10000, 0x1FFFF)) for _ in range(480))

    return [
        request(99 + n, [event(random, page=f"/{text()}") for _ in range(20)]) for n in range(9)
    ]


def every_dimension_at_once(random: Random) -> list[EventBatch]:
    names = ("hostname", "page", "source", "channel", "referrer", "utm_source", "utm_medium")
    more = ("utm_campaign", "utm_term", "utm_content")
    context = ("browser", "os", "device", "language", "country", "region", "city")
    return [
        request(
            99 + n,
            [event(random, **{name: letters(random, 400) for name in (*names, *more)})],
            Context(**{name: letters(random, 400) for name in context}),
        )
        for n in range(150)
    ]


def many_names_of_events(random: Random) -> list[EventBatch]:
    return [
        request(
            99 + n // 40,
            [
                event(random, event_type=EventType.CUSTOM, name=letters(random, 120))
                for _ in range(50)
            ],
        )
        for n in range(400)
    ]


def reserved_words_from_a_hundred_visitors(random: Random) -> list[EventBatch]:
    words = ("(other)", "(not set)", "Direct", OTHER, "\0", "\0other…#")
    return [
        request(
            99 + n,
            [
                event(random, page=word, source=word, channel=word, utm_source=word),
                event(random, event_type=EventType.CUSTOM, name=word),
            ],
            Context(country=word, browser=word),
        )
        for n in range(100)
        for word in words
    ]


def values_that_differ_only_behind_the_cut(random: Random) -> list[EventBatch]:
    same = letters(random, 1900)
    return [
        request(99 + n, [event(random, page=f"/{same}{n}-{m}") for m in range(20)])
        for n in range(60)
    ]


def control_characters(random: Random) -> list[EventBatch]:
    return [
        request(99, [event(random, page=bytes(random.choices(range(32), k=200)).decode())])
        for _ in range(300)
    ]


def values_that_compress_to_nothing(random: Random) -> list[EventBatch]:
    """Their size as they are stored says nothing of what a reader has to hold."""
    return [
        request(99 + n, [event(random, page=f"/{n:05d}/{'a' * 280}", source=f"{'b' * 280}{n:05d}")])
        for n in range(3000)
    ]


def referrers_with_ids_and_three_thousand_cities(random: Random) -> list[EventBatch]:
    return [
        request(
            99 + n,
            [event(random, referrer=f"https://search.example/?id={random.randbytes(20).hex()}")],
            Context(country="JP", region=f"Region {n % 400}", city=f"City of the number {n}"),
        )
        for n in range(3000)
    ]


def one_visitor_with_a_visit_every_half_hour(random: Random) -> list[EventBatch]:
    """Each comes from somewhere else, and long before the last one."""
    return [
        request(
            99,
            [
                event(
                    random,
                    occurred_at=START - n * 31 * 60_000,
                    page=f"/{letters(random, 290)}",
                    source=letters(random, 290),
                    utm_campaign=letters(random, 290),
                )
            ],
        )
        for n in range(17)  # since midnight
        for _ in range(6)
    ]


def the_same_page_in_every_spelling(random: Random) -> list[EventBatch]:
    def spelling() -> str:
        mixed = "".join(random.choice((letter, letter.upper())) for letter in "/products/shoes")
        return mixed + "/" * random.randrange(200) + "%2F" * random.randrange(60)

    return [
        request(99 + n, [event(random, page=spelling()) for _ in range(10)]) for n in range(250)
    ]


ATTACKS: list[Attack] = [
    ten_requests_with_random_paths,
    five_thousand_visitors_with_a_path_each,
    four_bytes_a_character,
    every_dimension_at_once,
    many_names_of_events,
    reserved_words_from_a_hundred_visitors,
    values_that_differ_only_behind_the_cut,
    control_characters,
    values_that_compress_to_nothing,
    referrers_with_ids_and_three_thousand_cities,
    one_visitor_with_a_visit_every_half_hour,
    the_same_page_in_every_spelling,
]


CROWDED = {
    five_thousand_visitors_with_a_path_each: Dimension.PAGE,
    every_dimension_at_once: Dimension.CITY,
    many_names_of_events: Dimension.EVENT,
}
"""Attacks that no item has room for, and a dimension of which values are moved to OTHER."""


@dataclass
class Consumers:
    """The stats and the realtime consumer of an engine."""

    settings: Settings

    def run(self, batches: list[EventBatch], size: int = 200) -> None:
        stream = records(batches)
        letters_kept = dead_letters(self.settings)
        stats = StatsProcessor(
            SiteCache(sites(self.settings)),
            StatsStores(
                rollups(self.settings),
                seals(self.settings),
                visitors(self.settings),
                letters_kept,
            ),
        )
        realtime = RealtimeProcessor(minutes(self.settings), letters_kept)
        for first in range(0, len(stream), size):
            stats.run(stream[first : first + size], now=NOW)
            realtime.run(stream[first : first + size], now=NOW)
        assert list(letters_kept.names()) == []

    def rollup(self) -> Rollup:
        keys = [
            RollupKey(1, SITE, DAY, partition, layer) for partition in range(4) for layer in Layer
        ]
        for item in rollups(self.settings).load(keys).values():
            assert len(item.value.body) <= encoding.MAX_ITEM_BYTES
        return merge(
            stored.rollup for _, stored in whole_days(rollups(self.settings), 1, SITE, DAY, DAY)
        )

    def minute(self) -> Minute:
        items = minutes(self.settings).minutes(SITE, START - 60_000, START + 60_000)
        return merge_minutes(stored.minute for _, stored in items)


def consumers_of(settings: Settings) -> Consumers:
    sites(settings).add(Site(site_id=SITE))
    return Consumers(settings)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_an_attack_hides_nobody_and_every_sum_stays_exact(attack: Attack, tmp_path: Path) -> None:
    withstands(attack, consumers_of(EmbeddedSettings(tmp_path)))


@pytest.mark.usefixtures("aws")
def test_dynamodb_takes_every_item() -> None:
    withstands(every_dimension_at_once, consumers_of(AwsSettings(os.environ)))


@pytest.mark.usefixtures("aws")
def test_without_the_bound_dynamodb_would_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "MAX_ITEM_BYTES", 2**30)
    with pytest.raises(PermanentError, match="DynamoDB takes 409600"):
        withstands(every_dimension_at_once, consumers_of(AwsSettings(os.environ)))


def withstands(attack: Attack, consumers: Consumers) -> None:
    random = Random(7)
    attacked = attack(random)
    stream = [*people(random, "/before"), *attacked, *people(random, "/after")]
    consumers.run(stream)
    rollup = consumers.rollup()
    events = [one for batch in stream for one in batch.events]
    views = sum(one.event_type is EventType.PAGE_VIEW for one in events)
    assert (rollup.total.pageviews, rollup.total.events) == (views, len(events) - views)
    assert rollup.total.visitors == len({batch.visitor_id for batch in stream})
    for dimension in ALWAYS:
        assert replace_visitors(sum_of(rollup, dimension)) == replace_visitors(rollup.total)
    assert sum_of(rollup, Dimension.PAGE).pageviews == views
    for page in ("/before", "/after"):
        row = rollup.rows[Dimension.PAGE, page]
        assert (row.visitors, row.pageviews) == (PEOPLE, PEOPLE)
    assert consumers.minute().pageviews == views
    crowded = {dimension for dimension, value in rollup.rows if value == OTHER}
    assert CROWDED[attack] in crowded if attack in CROWDED else not crowded


def sum_of(rollup: Rollup, dimension: Dimension) -> Counters:
    return merge(Rollup({TOTAL: row}) for _, row in rollup.table(dimension)).total


def replace_visitors(counters: Counters) -> Counters:
    return counters._replace(visitors=0)


values = st.text(max_size=2000) | st.sampled_from(["(other)", OTHER, ""])


@st.composite
def wide_rollups(draw: st.DrawFn) -> Rollup:
    """Rows of every length; many of them, from a few drawn texts."""
    random = Random(draw(st.integers(0, 2**32)))
    drawn = draw(st.lists(values, min_size=1, max_size=5))
    size, count = draw(st.integers(1, 300)), draw(st.integers(0, 3000))
    texts = drawn + [letters(random, size) for _ in range(count)]
    return Rollup(
        {
            (random.choice(BREAKDOWNS), value_of(text, OTHER)): Counters(
                *(random.randrange(1, 2 ** random.randrange(1, 40)) for _ in Counters._fields)
            )
            for text in texts
        }
    )


def test_what_no_crowding_can_help_is_left_to_the_table() -> None:
    """Thousands of shards' checkpoints, say: the encoding ends, and the table says no."""
    progress = Progress({f"shardId-{n:012d}": 10**55 for n in range(5000)})
    row = {(Dimension.PAGE, "/"): Counters(1, 1, 1)}
    rollup = encoding.encode_rollup(encoding.bounded(StoredRollup(Rollup(row), progress)))
    assert (Dimension.PAGE, OTHER) in encoding.decode_rollup(rollup).rollup.rows
    minute = Minute(1, 0, {b"visitor1": LiveVisitor(5, "/", 0, "", "DE")}, {"/": 1})
    kept = encoding.decode_minute(encoding.encode_minute(StoredMinute(minute, progress))).minute
    assert (kept.pageviews, kept.visitors, kept.unlisted) == (1, {}, 1)


def test_visitors_that_came_without_a_source_get_none() -> None:
    places = {
        n.to_bytes(8, "big"): LiveVisitor(n, f"/{n}", 0, "" if n % 2 else f"s{n}", "DE")
        for n in range(100)
    }
    kept = shrunk(Minute(100, 0, places, {f"/{n}": 1 for n in range(100)}))
    assert sum(place.source == "" for place in kept.visitors.values()) == 50
    assert {place.page for place in kept.visitors.values()} >= {OTHER}


@given(wide_rollups())
def test_no_rollup_item_is_larger_than_its_bound(rollup: Rollup) -> None:
    attributes = encoding.encode_rollup(encoding.bounded(StoredRollup(rollup)))
    assert len(attributes["body"]) <= encoding.MAX_ITEM_BYTES
    kept = encoding.decode_rollup(attributes)
    for dimension in BREAKDOWNS:
        assert sum_of(kept.rollup, dimension) == sum_of(rollup, dimension)
    again = encoding.bounded(replace(kept, body=b""))
    assert again.body == attributes["body"], "what fits stays as it is"


@given(st.integers(0, 2**32), st.integers(0, 30_000), st.integers(0, 300))
def test_no_realtime_item_is_larger_than_its_bound(seed: int, count: int, size: int) -> None:
    random = Random(seed)
    places = {
        random.randbytes(8): LiveVisitor(
            random.randrange(60_000),
            letters(random, size),
            0,
            letters(random, size // 10),
            random.choice(("DE", "JP")),
        )
        for _ in range(count if size < 30 else count // 20)
    }
    whole = Minute(7, 1, places, {place.page: 1 for place in places.values()})
    attributes = encoding.encode_minute(StoredMinute(whole, Progress({"shardId-0": 1})))
    assert len(attributes["body"]) <= encoding.MAX_ITEM_BYTES
    kept = encoding.decode_minute(attributes).minute
    assert (kept.pageviews, kept.events) == (7, 1)
    assert len(kept.visitors) + kept.unlisted == len(places)
    assert all(kept.visitors[one].seen_at == places[one].seen_at for one in kept.visitors)
