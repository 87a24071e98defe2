"""An export has every accepted event of a site once, in order of arrival."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random

import pytest

from liveinsight.exports.archived_events import ArchivedEvents, by_arrival
from processors.archive.container import ArchivedRecord
from processors.archive.store import ObjectArchiveStore
from processors.record import Record
from runtime.sites.site import Site
from schemas.event import EventBatch, decode_batch, encode_batch
from tests.exports.exported import archived
from tests.factories import traffic
from tests.processors.stream import SITE, record, records

BERLIN = Site(site_id=SITE, timezone="Europe/Berlin")


def stream(size: int = 40) -> list[Record]:
    """Two shards whose records arrived in turn, some twice."""
    both = records(traffic(Random(1), size)), records(traffic(Random(2), size), "shardId-1")
    return [one for shard in both for one in shard]


def test_every_event_is_there_once_in_order_of_arrival(tmp_path: Path) -> None:
    of_both = stream()
    source = ArchivedEvents(BERLIN, archived(tmp_path / "archive", of_both), tmp_path)
    found = list(source)
    ids = [(one.visitor_id, one.event.event_id) for one in found]
    assert len(ids) == len(set(ids)) == source.tally.events
    assert set(ids) == {
        (batch.visitor_id, event.event_id)
        for batch in (decode_batch(one.data) for one in of_both)
        for event in batch.events
    }
    assert source.tally.duplicates > 0
    assert source.tally.records == len(of_both)
    arrivals = [one.arrived_at for one in found]
    assert arrivals == sorted(arrivals)
    places = {(one.shard, one.sequence_number) for one in found}
    assert places <= {(one.position.shard, one.position.sequence_number) for one in of_both}


def test_days_are_the_sites_and_a_range_has_no_others(tmp_path: Path) -> None:
    archive = archived(tmp_path / "archive", stream())
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole = list(ArchivedEvents(BERLIN, archive, tmp_path / "a"))
    days = {one.day for one in whole}
    assert days == {date(2026, 5, 4)}, "it is past midnight in Berlin"
    utc = replace(BERLIN, timezone="UTC")
    only = ArchivedEvents(utc, archive, tmp_path / "b", date(2026, 5, 3), date(2026, 5, 3))
    assert {one.day for one in only} == {date(2026, 5, 3)}
    assert only.tally.events < len(whole)


def test_other_sites_poison_and_impossible_times_are_left_out(tmp_path: Path) -> None:
    (batch, *_) = traffic(Random(1), 1)
    late = replace(batch.events[0], occurred_at=10**17)
    of_all = [
        record(encode_batch(replace(batch, site_id="my.site2")), 1, "my.site2/0"),
        record(b"poison", 2),
        record(encode_batch(replace(batch, events=(late,))), 3),
        record(encode_batch(replace(batch, received_at=10**17)), 4),
        record(encode_batch(batch), 5),
    ]
    source = ArchivedEvents(BERLIN, archived(tmp_path / "archive", of_all), tmp_path)
    assert [one.event for one in source] == list(batch.events)
    assert (source.tally.records, source.tally.poison) == (4, 3)


class CountingArchive:
    """Says how many shards are read at the same time."""

    def __init__(self, archive: ObjectArchiveStore) -> None:
        self._archive = archive
        self.opened = self.most = 0

    def shards(self) -> list[str]:
        return self._archive.shards()

    def records(self, shard: str) -> Iterator[ArchivedRecord]:
        self.opened += 1
        self.most = max(self.most, self.opened)
        try:
            yield from self._archive.records(shard)
        finally:
            self.opened -= 1

    def tail(self, shard: str) -> int:
        return self._archive.tail(shard)

    def append(self, shard: str, after: int, of: list[ArchivedRecord]) -> int:
        return self._archive.append(shard, after, of)


@pytest.mark.parametrize("apart", [True, False])
def test_shards_that_followed_each_other_are_never_open_together(
    tmp_path: Path, *, apart: bool
) -> None:
    (batch, *_) = traffic(Random(1), 1)
    of_all = [
        replace(one, arrived_at=one.arrived_at + (number * 1000 if apart else 0))
        for number in range(10)
        for one in records(_times(batch, 5), f"shardId-{number}")
    ]
    archive = CountingArchive(archived(tmp_path / "archive", of_all))
    found = [one.arrived_at for one in by_arrival(archive)]  # type: ignore[arg-type]
    assert found == sorted(one.arrived_at for one in of_all)
    assert archive.most == (1 if apart else 10)


def _times(batch: EventBatch, number: int) -> list[EventBatch]:
    return [batch] * number
