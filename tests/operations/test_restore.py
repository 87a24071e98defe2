"""What docs/runbook.md says about restoring tables is so: which moments go together, and from where
the stream must be read again. A restored table is one that has seen the first records only."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest

from aggregates.rollup import Rollup, merge
from aggregates.stores.sqlite import SqliteRollupStore, SqliteSealStore, SqliteVisitorStore, tables
from processors.dead_letter import DeadLetters
from processors.record import Record
from processors.stats.processor import StatsProcessor, StatsStores
from runtime.objects.folder import FolderObjects
from runtime.sites.cache import SiteCache
from runtime.sites.site import Site
from runtime.sites.sqlite import SqliteSiteStore
from tests import oracle
from tests.factories import NOW, traffic
from tests.processors.stream import SITE, records
from tests.whole_days import whole_days

RECORDS = 30
Counts = dict[date, Mapping[Any, Any]]


class Tables:
    """The tables `stats` and `sessions`, each of which can be of another moment."""

    def __init__(self, folder: Path) -> None:
        sites = SqliteSiteStore(folder / "sites.sqlite")
        sites.add(Site(site_id=SITE, timezone="Europe/Berlin"))
        self._sites = SiteCache(sites)
        self._dead_letters = DeadLetters(FolderObjects(folder / "dead-letters"))
        self._folder = folder

    def read(self, stream: Sequence[Record], stats: str, sessions: str) -> None:
        """Let the consumer read records, in batches, with these tables."""
        processor = StatsProcessor(
            self._sites,
            StatsStores(
                SqliteRollupStore(tables(self._folder / stats)),
                SqliteSealStore(tables(self._folder / stats)),
                SqliteVisitorStore(tables(self._folder / sessions)),
                self._dead_letters,
            ),
        )
        for first in range(0, len(stream), 7):
            processor.run(stream[first : first + 7], now=NOW)

    def counted(self, stats: str) -> Counts:
        store = SqliteRollupStore(tables(self._folder / stats))
        days: dict[date, list[Rollup]] = {}
        for key, stored in whole_days(store, 1, SITE, date(2026, 5, 1), date(2026, 5, 9)):
            days.setdefault(key.day, []).append(stored.rollup)
        return {day: rows for day, parts in days.items() if (rows := merge(parts).rows)}


def wrong_counts(folder: Path, moments: Callable[[Random], tuple[int, int, int]]) -> int:
    """Return in how many of 8 histories a restore ends with wrong counts.

    `moments` says of how many records the restored `stats` and `sessions` know, and after how many
    the consumer begins to read again.
    """
    wrong = 0
    for seed in range(8):
        rng = Random(seed)
        batches = traffic(rng, RECORDS)
        stream = records(batches)
        stats, sessions, begin = moments(rng)
        here = Tables(folder / str(seed))
        here.read(stream[:stats], "stats", "sessions-of-stats")
        here.read(stream[:sessions], "stats-of-sessions", "sessions")
        here.read(stream[begin:], "stats", "sessions")
        wrong += here.counted("stats") != oracle.count(batches, "Europe/Berlin")
    return wrong


def both_of_one_moment(rng: Random) -> tuple[int, int, int]:
    moment = rng.randint(0, RECORDS)
    return moment, moment, rng.randint(0, moment)


def sessions_older_than_stats(rng: Random) -> tuple[int, int, int]:
    stats = rng.randint(1, RECORDS)
    sessions = rng.randint(0, stats - 1)
    return stats, sessions, rng.randint(0, sessions)


def only_sessions_restored(rng: Random) -> tuple[int, int, int]:
    return RECORDS, rng.randint(0, RECORDS), 0


def both_empty(_: Random) -> tuple[int, int, int]:
    return 0, 0, 0


@pytest.mark.parametrize(
    "moments",
    [both_of_one_moment, sessions_older_than_stats, only_sessions_restored, both_empty],
)
def test_sessions_of_the_same_moment_or_older_give_exact_counts(
    tmp_path: Path, moments: Callable[[Random], tuple[int, int, int]]
) -> None:
    assert wrong_counts(tmp_path, moments) == 0


def only_stats_restored(rng: Random) -> tuple[int, int, int]:
    return rng.randint(0, RECORDS // 2), RECORDS, 0


def stats_older_than_sessions(rng: Random) -> tuple[int, int, int]:
    sessions = rng.randint(RECORDS // 2, RECORDS)
    return rng.randint(0, sessions // 2), sessions, 0


def only_stats_empty(_: Random) -> tuple[int, int, int]:
    return 0, RECORDS, 0


def read_from_too_late(rng: Random) -> tuple[int, int, int]:
    moment = rng.randint(0, RECORDS // 2)
    return moment, moment, moment + 10


@pytest.mark.parametrize(
    "moments",
    [only_stats_restored, stats_older_than_sessions, only_stats_empty, read_from_too_late],
)
def test_what_the_runbook_warns_of_gives_wrong_counts(
    tmp_path: Path, moments: Callable[[Random], tuple[int, int, int]]
) -> None:
    assert wrong_counts(tmp_path, moments) >= 7
