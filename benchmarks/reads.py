"""Measures what a question about many days costs: CPU, items and bytes.

A site of 2,000 pages is given sealed days and months, and an open day, in the real encodings, once
with 100,000 events over 400 days and once with 10,000,000. Each figure is CPU time of one process,
the median of several questions to the stats query, from the parsed request to the JSON text.
"""

import json
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random
from statistics import median

from aggregates.progress import Progress
from aggregates.rollup import Counters, Dimension, Rollup, merge
from aggregates.seal import LONGER, UNSEALED, Period, Seal, joined, whole_of
from aggregates.stores.opener import reading
from aggregates.stores.ports import (
    Layer,
    RollupKey,
    SealKey,
    StoredRollup,
    StoredSeal,
    Versioned,
)
from aggregates.stores.reading import Reading
from aggregates.stores.sqlite import SqliteRollupStore, SqliteSealStore, tables
from api.endpoint import encoded
from api.question import Question
from api.stats.query import StatsQuery
from processors.seal.processor import closed_day
from runtime.settings import EmbeddedSettings
from runtime.sites.site import Site
from runtime.sqlite import Database

SITE = Site(site_id="demo.example", import_secret="0" * 64)
TODAY = date(2026, 11, 26)
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAYS = 400
SIZES = (100_000, 10_000_000)
BUSY_DAY = 300_000
VIEWS_A_VISIT = 3
DRAWS = 30_000
"""At most: more events are as many of these, each counted more often."""

DIFFERENT_DAYS = 40
"""The others are the same again."""

ROUNDS = 15

CATALOGUE = {
    Dimension.PAGE: ("/products/{:04d}/a-page-with-a-name", 2000),
    Dimension.ENTRY_PAGE: ("/products/{:04d}/a-page-with-a-name", 2000),
    Dimension.EXIT_PAGE: ("/products/{:04d}/a-page-with-a-name", 2000),
    Dimension.REFERRER: ("https://site-{:d}.example/some/article", 1500),
    Dimension.SOURCE: ("site-{:d}.example", 300),
    Dimension.CHANNEL: ("Channel {:d}", 8),
    Dimension.UTM_CAMPAIGN: ("campaign-{:d}", 60),
    Dimension.UTM_SOURCE: ("source-{:d}", 30),
    Dimension.COUNTRY: ("C{:d}", 120),
    Dimension.REGION: ("Region {:d}", 500),
    Dimension.CITY: ("City of the number {:d}", 3000),
    Dimension.BROWSER: ("Browser {:d}", 12),
    Dimension.OS: ("System {:d}", 9),
    Dimension.DEVICE: ("Device {:d}", 3),
    Dimension.LANGUAGE: ("l{:d}", 60),
    Dimension.HOSTNAME: ("{:d}.demo.example", 2),
    Dimension.EVENT: ("event {:d}", 20),
}
"""How values of a dimension look, and how many there are. How often each comes falls as 1/n."""

OF_EVENTS = {Dimension.PAGE, Dimension.HOSTNAME, Dimension.EVENT}


def main() -> None:
    """Print the figures."""
    print(f"{'':34} {'cold ms':>8} {'warm ms':>8} {'items':>6} {'KB read':>8} {'JSON KB':>8}")
    for events in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            settings = EmbeddedSettings(Path(folder))
            write(settings, events)
            print(f"{events:,} events over {DAYS} days")
            last = TODAY - timedelta(days=1)
            for name, first in (
                ("28 days", last - timedelta(days=27)),
                ("28 days and today", TODAY - timedelta(days=27)),
                ("12 months", date(2025, 11, 1)),
            ):
                to = {"28 days": last, "12 months": date(2026, 10, 31)}.get(name, TODAY)
                measure(settings, name, Question(first, to))
            pages = Question(date(2025, 11, 1), date(2026, 10, 31), 50, "page", 100, "1")
            measure(settings, "12 months, pages with a 1", pages)
            measure(settings, "today", Question(TODAY, TODAY))
    with tempfile.TemporaryDirectory() as folder:
        settings = EmbeddedSettings(Path(folder))
        store = SqliteRollupStore(tables(settings.tables_path))
        store.save(dict(open_day(TODAY, BUSY_DAY, Random(1))))  # noqa: S311 - no secret
        print(f"a day of {BUSY_DAY:,} events, RECENT written before each question")
        measure(settings, "today", Question(TODAY, TODAY), lambda: touch(store))


def measure(
    settings: EmbeddedSettings,
    name: str,
    question: Question,
    before: Callable[[], None] = lambda: None,
) -> None:
    """Print what a question costs the first time and later."""
    cold: list[float] = []
    warm: list[float] = []
    for _ in range(5):
        query = StatsQuery(reading(replace(settings, cache_bytes=settings.cache_bytes + len(cold))))
        query.document(SITE, Question(date(2000, 1, 1), date(2000, 1, 1)))  # opens the file
        cold.append(_milliseconds(query, question))
        for _ in range(ROUNDS // 5):
            before()
            warm.append(_milliseconds(query, question))
    items, size = stored(settings, question)
    answer = len(json.dumps(query.document(SITE, question)))
    print(
        f"  {name:32} {median(cold):8.1f} {median(warm):8.1f} {items:6}"
        f" {size / 1024:8.0f} {answer / 1024:8.0f}",
        flush=True,
    )


def _milliseconds(query: StatsQuery, question: Question) -> float:
    began = time.process_time()
    encoded(query.document(SITE, question))
    return (time.process_time() - began) * 1000


class SealsRead(SqliteSealStore):
    """Remembers which seals are read."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.keys: list[SealKey] = []

    def load(self, keys: Iterable[SealKey]) -> dict[SealKey, Versioned[StoredSeal]]:
        """Return seals."""
        self.keys += (wanted := list(keys))
        return super().load(wanted)


def stored(settings: EmbeddedSettings, question: Question) -> tuple[int, int]:
    """Return how many items a first question reads, and how many bytes."""
    database = tables(settings.tables_path)
    seals = SealsRead(database)
    days = question.first, question.last
    Reading(SqliteRollupStore(database), seals).days(1, SITE.site_id, *days)
    sizes = "SELECT length(body) FROM"
    of_seal = f"{sizes} seals WHERE site_id = ? AND period = ? AND first = ?"
    with sqlite3.connect(settings.tables_path) as connection:
        found = connection.execute(f"{sizes} stats WHERE day BETWEEN ? AND ?", list(map(str, days)))
        read = found.fetchall()
        for key in seals.keys:
            read += connection.execute(of_seal, (key.site_id, key.period, str(key.first)))
    return len(read), sum(size for (size,) in read)


def touch(store: SqliteRollupStore) -> None:
    """Write RECENT once more, as a batch does."""
    key = RollupKey(1, SITE.site_id, TODAY, 0)
    found = store.load([key])[key]
    one = Rollup({(Dimension.TOTAL, ""): Counters(pageviews=1)})
    changed = replace(found.value, rollup=merge((found.value.rollup, one)), body=b"")
    store.save({key: Versioned(changed, found.version)})


def write(settings: EmbeddedSettings, events: int) -> None:
    """Write what is sealed, and open days."""
    random = Random(1)  # noqa: S311 - no secret
    database = tables(settings.tables_path)
    seals = SqliteSealStore(database)
    longer: dict[tuple[Period, date], list[Seal]] = {}
    rows = [day_of(events // DAYS, random) for _ in range(DIFFERENT_DAYS)]
    for passed in range(DAYS):
        day = TODAY - timedelta(days=passed)
        if day > closed_day(SITE, NOW):
            SqliteRollupStore(database).save(dict(open_day(day, events // DAYS, random)))
            continue
        part = rows[passed % DIFFERENT_DAYS], 1, progress(day)
        seal = joined(UNSEALED, {(day, 0): part})
        for period in LONGER:
            longer.setdefault((period, period.first_day(day)), []).append(seal)
        keep(seals, Period.DAY, day, seal)
    for (period, first), days in longer.items():
        if period.last_day(first) <= closed_day(SITE, NOW):
            keep(seals, period, first, whole_of(days))


def keep(seals: SqliteSealStore, period: Period, first: date, seal: Seal) -> None:
    """Write a seal."""
    key = SealKey(1, SITE.site_id, period, first)
    seals.save({key: Versioned(StoredSeal(seal), 0)})


def open_day(
    day: date, events: int, random: Random
) -> Iterator[tuple[RollupKey, Versioned[StoredRollup]]]:
    """Yield the items of an open day: a base, and a hundredth of it besides."""
    base = StoredRollup(day_of(events, random), epoch=1)
    recent = StoredRollup(day_of(max(10, events // 100), random), progress(day), epoch=1)
    for layer, item in ((Layer.BASE, base), (Layer.RECENT, recent)):
        yield RollupKey(1, SITE.site_id, day, 0, layer), Versioned(item, 0)


def day_of(events: int, random: Random) -> Rollup:
    """Return a day's rows, values drawn as often as they come on a real site."""
    visits = max(1, events // VIEWS_A_VISIT)
    rows = {(Dimension.TOTAL, ""): counters(visits, visits, events)}
    for hour in range(24):
        rows[Dimension.HOUR, f"{hour:02d}"] = counters(visits // 24 + 1, visits, events // 24)
    for dimension, (name, size) in CATALOGUE.items():
        count = events if dimension in OF_EVENTS else visits
        draws = min(count, DRAWS)
        weights = list(accumulate(1 / (number + 1) for number in range(size)))
        times = Counter(random.choices(range(size), cum_weights=weights, k=draws))
        for number, drawn in times.items():
            found = max(1, drawn * count // draws)
            row = counters(found, found, found * VIEWS_A_VISIT)
            if dimension in OF_EVENTS:
                row = Counters(visitors=found, pageviews=found, engaged_ms=found * 8000)
            rows[dimension, name.format(number)] = row
    return Rollup(rows)


def counters(visitors: int, visits: int, views: int) -> Counters:
    """Return a row of a usual site."""
    return Counters(visitors, visits, views, views // 9, visits // 2, visits * 81_000, views * 9000)


def progress(day: date) -> Progress:
    """Return how far a day has come."""
    at = int(datetime(day.year, day.month, day.day, 20, tzinfo=UTC).timestamp() * 1000)
    return Progress({"log-1/0": at}, at, at + 500)


if __name__ == "__main__":
    main()
