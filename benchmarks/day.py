"""What an event costs the stats consumer at the end of a day, by the day's size.

    python -m benchmarks.day [--pages 2000]

The embedded engine, SQLite in a file. Of each day the last fifth is measured, at least
LEAST_MEASURED events, as CPU time of this process: batches of both sizes take turns, and so do the
days, so that whatever else the machine does meets them all. One event is one record.
"""

import gc
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import islice, zip_longest
from pathlib import Path
from random import Random

import click

from aggregates.stores.opener import REMEMBERED_STATES_BYTES, state_bytes
from aggregates.stores.remembering import RememberingStore
from aggregates.stores.sqlite import (
    SqliteRollupStore,
    SqliteSealStore,
    SqliteVisitorStore,
    tables,
)
from aggregates.window import SECOND_MS
from benchmarks.traffic import Catalogue, Traffic, records
from processors.dead_letter import DeadLetters
from processors.record import Record
from processors.stats.processor import StatsProcessor, StatsStores
from runtime.container import COLLECTED_SELDOM
from runtime.objects.folder import FolderObjects
from runtime.sites.cache import SiteCache
from runtime.sites.site import Site
from runtime.sites.sqlite import SqliteSiteStore

SITE = Site(site_id="shop.example")
DAY = date(2026, 5, 4)
DAYS = {"1 k": (1000, 12), "30 k": (30_000, 1), "300 k": (300_000, 1)}
"""Events of a day, and how many such days are run: a small one is over before it can be timed."""
BATCH_SIZES = (500, 25)
MEASURED_SHARE, LEAST_MEASURED = 0.2, 500
TURN = 500
"""Events that one turn takes, in batches of one size."""
EARLIER_BATCH = 5000


class Day:
    """A day in a file of its own, up to where measuring begins."""

    def __init__(self, folder: Path, pages: int, events: int, seed: int) -> None:
        sites = SqliteSiteStore(folder / "sites.sqlite")
        sites.add(SITE)
        database = tables(folder / "tables.sqlite")
        self._processor = StatsProcessor(
            SiteCache(sites),
            StatsStores(
                SqliteRollupStore(database),
                SqliteSealStore(database),
                RememberingStore(
                    SqliteVisitorStore(database), state_bytes, REMEMBERED_STATES_BYTES
                ),
                DeadLetters(FolderObjects(folder / "dead")),
            ),
        )
        rng = Random(seed)  # noqa: S311 - must be repeatable
        views = Traffic(Catalogue(pages), SITE, rng).day(DAY, events * 1.1)
        stream = records(SITE, islice(views, events))
        measured = max(LEAST_MEASURED, int(events * MEASURED_SHARE))
        for _ in range(0, events - measured, EARLIER_BATCH):
            earlier = min(EARLIER_BATCH, events - measured)
            self._run(list(islice(stream, earlier)))
        self._rest = list(stream)

    @property
    def turns(self) -> int:
        """How many turns are left."""
        return len(self._rest) // TURN

    def turn(self, size: int) -> tuple[float, int]:
        """Count the next events in batches of a size; return CPU seconds and events."""
        batch, self._rest = self._rest[:TURN], self._rest[TURN:]
        began = time.process_time()
        for start in range(0, len(batch), size):
            self._run(batch[start : start + size])
        return time.process_time() - began, len(batch)

    def _run(self, batch: Sequence[Record]) -> None:
        if batch:
            now = datetime.fromtimestamp(batch[-1].arrived_at / SECOND_MS, UTC)
            self._processor.run(batch, now=now)


@click.command(help=__doc__)
@click.option("--pages", default=2000, show_default=True, help="How many pages the site has.")
def main(*, pages: int) -> None:
    """Print what an event costs by the size of the day and of the batch."""
    for name, value, unit in microseconds(pages):
        print(f"{name:64} {value:8.1f} {unit}", flush=True)


def microseconds(pages: int) -> Iterator[tuple[str, float, str]]:
    """Yield name, figure and unit."""
    with tempfile.TemporaryDirectory() as folder:
        days = {
            name: [_day(Path(folder), pages, events, number) for number in range(copies)]
            for name, (events, copies) in DAYS.items()
        }
        gc.set_threshold(*COLLECTED_SELDOM)  # as in the processes of the product
        gc.collect()
        gc.freeze()  # no consumer holds so much that is still to come
        spent = _spent(days)
        gc.unfreeze()
    for name in DAYS:
        for size in BATCH_SIZES:
            seconds, events = spent[name, size]
            title = f"stats consumer, end of a day of {name} events, {size} records a batch"
            yield title, seconds / events * 1e6, "us/event"


def _day(folder: Path, pages: int, events: int, number: int) -> Day:
    own = folder / f"{events}-{number}"
    own.mkdir()
    print(f"a day of {events:,} events", file=sys.stderr, flush=True)
    return Day(own, pages, events, number)


def _spent(days: Mapping[str, Sequence[Day]]) -> dict[tuple[str, int], tuple[float, int]]:
    """Let all days take turns; return CPU seconds and events by day and size of batches."""
    spent = {(name, size): (0.0, 0) for name in days for size in BATCH_SIZES}
    queues = [[(name, day) for day in of for _ in range(day.turns)] for name, of in days.items()]
    for number, turns in enumerate(zip_longest(*queues)):
        size = BATCH_SIZES[number % len(BATCH_SIZES)]
        for name, day in filter(None, turns):
            seconds, events = day.turn(size)
            known = spent[name, size]
            spent[name, size] = known[0] + seconds, known[1] + events
    return spent


if __name__ == "__main__":
    main()
