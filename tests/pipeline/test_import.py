"""The import of a real log, through the stream and the consumer process."""

import contextlib
import logging
import os
import shutil
import signal
import time
from datetime import date
from pathlib import Path
from random import Random

import pytest

from aggregates.rollup import Dimension, Rollup, merge
from aggregates.stores.difference import days_of
from aggregates.stores.reading import Reading
from aggregates.stores.sqlite import SqliteRollupStore, SqliteSealStore, tables
from processors.archive.store import ObjectArchiveStore
from runtime.objects.folder import FolderObjects
from schemas.event import decode_batch
from tests import oracle, second_oracle
from tests.pipeline.engine import LOG, liveinsight, start, stats, without_times
from tests.whole_days import whole_days

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.skipif(not LOG.exists(), reason=f"the real log is not at {LOG}"),
]

SITE = "semicomplete.com"
RANGE = ("--from", "2015-05-17", "--to", "2015-05-20", "--limit", "1000")
EVERYTHING = ("--count", "everything", "--keep-query")


def import_log(data: Path, *options: str) -> str:
    return liveinsight("import", "log", LOG, "--site", SITE, "--data", data, *options)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("everything")
    import_log(data, *EVERYTHING)
    return data


def test_counting_everything_gives_what_goaccess_counts(undisturbed: Path) -> None:
    answer = stats(SITE, undisturbed, *RANGE)
    assert answer["totals"]["pageviews"] == 10_000
    assert answer["totals"]["visitors"] == 2_144
    assert [day["visitors"] for day in answer["series"]] == [365, 660, 586, 533]
    assert [day["pageviews"] for day in answer["series"]] == [1632, 2893, 2896, 2579]
    pages = {
        row["value"]: (row["pageviews"], row["visitors"]) for row in answer["breakdowns"]["page"]
    }
    assert pages["/projects/xdotool/"] == (224, 195)
    assert pages["/"] == (197, 167)
    assert pages["/?flav=rss20"] == (217, 93)
    assert pages["/blog/tags/puppet?flav=rss20"] == (488, 18)


def test_breakdowns_add_up_to_the_totals(undisturbed: Path) -> None:
    answer = stats(SITE, undisturbed, *RANGE)
    for name in ("source", "channel", "country", "browser", "os", "device", "language", "hostname"):
        rows = answer["breakdowns"][name]
        assert sum(row["pageviews"] for row in rows) == 10_000, name
    for name in ("source", "channel", "country", "browser", "os", "entry_page", "exit_page"):
        rows = answer["breakdowns"][name]
        assert sum(row["visits"] for row in rows) == answer["totals"]["visits"], name


def test_every_row_is_what_two_oracles_count_in_the_archive(
    undisturbed: Path, tmp_path: Path
) -> None:
    archive = ObjectArchiveStore(FolderObjects(undisturbed / "archive"))
    records = [record for shard in archive.shards() for record in archive.records(shard)]
    batches = [decode_batch(record.data) for record in records]
    store = SqliteRollupStore(tables(undisturbed / "tables.sqlite"))
    days: dict[date, list[Rollup]] = {}
    for key, stored in whole_days(store, 1, SITE, date(2015, 5, 17), date(2015, 5, 20)):
        days.setdefault(key.day, []).append(stored.rollup)
    counted = {day: merge(parts).rows for day, parts in days.items()}
    assert counted == oracle.count(batches, "UTC")
    assert counted == second_oracle.count(batches, tmp_path)
    assert sum(len(rows) for rows in counted.values()) > 5000


def test_importing_again_changes_nothing(undisturbed: Path) -> None:
    before = stats(SITE, undisturbed, *RANGE)
    printed = import_log(undisturbed, *EVERYTHING)
    assert "10,000  imported before" in printed
    assert stats(SITE, undisturbed, *RANGE) == before


def test_importing_with_other_options_is_refused_in_one_line(undisturbed: Path) -> None:
    arguments = ("import", "log", LOG, "--site", SITE, "--data", undisturbed)
    error = liveinsight(*arguments, code=2)
    assert error.count("\n") == 1
    assert "--count everything --keep-query" in error


def test_the_lines_left_out_add_up(tmp_path: Path) -> None:
    printed = [line for line in import_log(tmp_path).splitlines() if line.split()[0][:1].isdigit()]
    counts = {" ".join(line.split()[1:]): int(line.split()[0].replace(",", "")) for line in printed}
    assert counts.pop("lines read") == 10_000
    assert sum(counts.values()) == 10_000
    assert stats(SITE, tmp_path, *RANGE)["totals"]["pageviews"] == counts["counted as page views"]


def test_a_consumer_killed_at_random_moments_counts_the_same(
    undisturbed: Path, tmp_path: Path
) -> None:
    seed = int.from_bytes(os.urandom(4))
    logging.getLogger(__name__).warning("seed %d", seed)
    rng = Random(seed)
    arguments = ("--site", SITE, "--data", tmp_path, *EVERYTHING)
    process = start("import", "log", LOG, *arguments)
    kills, killed = 0, 0
    lock = tmp_path / "consumer.lock"
    while process.poll() is None and kills < 20:
        pid = int(lock.read_text() or 0) if lock.exists() else 0
        if pid in {0, killed}:
            time.sleep(0.005)
            continue
        time.sleep(rng.uniform(0, 0.25))
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            kills, killed = kills + 1, pid
    _, errors = process.communicate(timeout=90)
    assert process.returncode == 0, errors
    logging.getLogger(__name__).warning("%d kills", kills)
    assert kills >= 10, "the import was over too soon to say anything"
    assert without_times(stats(SITE, tmp_path, *RANGE)) == without_times(
        stats(SITE, undisturbed, *RANGE)
    )


def test_days_are_those_of_another_time_zone_after_a_rebuild(
    undisturbed: Path, tmp_path: Path
) -> None:
    data = tmp_path / "moved"
    shutil.copytree(undisturbed, data)
    done = liveinsight("rebuild", "--all", "--time-zone", "Asia/Seoul", "--data", data, "--yes")
    assert "generation 2 counts now (Asia/Seoul)" in done
    archive = ObjectArchiveStore(FolderObjects(data / "archive"))
    records = [record for shard in archive.shards() for record in archive.records(shard)]
    expected = oracle.count([decode_batch(record.data) for record in records], "Asia/Seoul")
    database = tables(data / "tables.sqlite")
    reading = Reading(SqliteRollupStore(database), SqliteSealStore(database))
    assert (
        days_of(reading, SITE, [2]) == sorted(expected) == [date(2015, 5, d) for d in range(17, 22)]
    )
    listed = [dimension for dimension in Dimension if dimension is not Dimension.INTAKE]
    for day, rows in expected.items():
        counted = reading.days(2, SITE, day, day)
        for dimension in listed:
            of_dimension = {value: row for (one, value), row in rows.items() if one is dimension}
            assert counted.table(dimension) == of_dimension, (day, dimension)
    liveinsight("rebuild", "--all", "--roll-back", "--data", data)
    assert without_times(stats(SITE, data, *RANGE)) == without_times(
        stats(SITE, undisturbed, *RANGE)
    )
