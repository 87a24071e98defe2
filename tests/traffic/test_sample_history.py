"""Sample history: trusted events of past days, the same at every run."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from aggregates.window import day_start
from ingest.hits.visitor import partition_of
from ingest.stream.sink import SinkRecord
from liveinsight.imports.trusted import CHUNK_SIZE, ID_WINDOW
from liveinsight.traffic.sample_history import sample_history
from runtime.sites.partitions import PartitionSchedule
from runtime.sites.site import Site
from schemas.event import EventBatch, decode_batch

SITE = Site(site_id="demo.example", timezone="Europe/Berlin", import_secret="s" * 32)
NOW = datetime(2026, 3, 30, 15, 20, tzinfo=UTC)  # the day after the change to summer time


def history(
    days: int = 4, per_day: float = 150, now: datetime = NOW, site: Site = SITE, seed: int = 1
) -> list[list[SinkRecord]]:
    return list(sample_history(site, days, per_day, now, Random(seed)))


def batches(chunks: list[list[SinkRecord]]) -> list[EventBatch]:
    return [decode_batch(record.data) for chunk in chunks for record in chunk]


def test_every_run_gives_the_same_records() -> None:
    assert history() == history()


def test_seeds_and_sites_differ() -> None:
    other = Site(site_id="demo.example", timezone="Europe/Berlin", import_secret="t" * 32)
    ids = {batch.visitor_id for batch in batches(history())}
    assert not ids & {batch.visitor_id for batch in batches(history(seed=2))}
    assert not ids & {batch.visitor_id for batch in batches(history(site=other))}


def test_a_later_run_gives_the_same_events_and_more() -> None:
    earlier = [batch.events[0] for batch in batches(history(days=3))]
    later = [batch.events[0] for batch in batches(history(days=4, now=NOW + timedelta(days=1)))]
    assert later[: len(earlier)] == earlier
    assert len(later) > len(earlier)


def test_each_day_has_the_number_of_partitions_that_is_its_own() -> None:
    days = [NOW.date() - timedelta(days=back) for back in (2, 1, 0)]
    schedule = PartitionSchedule.always(1).changed(2, days[0]).changed(4, days[2])
    site = replace(SITE, partitions=schedule)
    found: dict[date, set[str]] = {}
    for chunk in history(site=site):
        for record in chunk:
            batch = decode_batch(record.data)
            day = datetime.fromtimestamp(batch.received_at / 1000, ZoneInfo(SITE.timezone)).date()
            found.setdefault(day, set()).add(record.partition_key)
            partition = partition_of(site, day, batch.visitor_id)
            assert record.partition_key == f"demo.example/{partition}"
    assert [len(found[day]) for day in sorted(found)] == [1, 2, 2, 4]


def test_events_arrive_when_they_happen_in_order_until_now() -> None:
    found = batches(history())
    times = [batch.received_at for batch in found]
    assert times == [batch.events[0].occurred_at for batch in found] == sorted(times)
    assert all(len(batch.events) == 1 for batch in found)
    first_day = NOW.astimezone(ZoneInfo(SITE.timezone)).date() - timedelta(days=3)
    assert day_start(first_day, SITE.timezone) <= times[0]
    assert times[-1] < NOW.timestamp() * 1000


def test_every_day_has_visitors() -> None:
    days = Counter(
        datetime.fromtimestamp(batch.received_at / 1000, ZoneInfo(SITE.timezone)).date()
        for batch in batches(history())
    )
    assert len(days) == 4
    assert min(days.values()) > 100


def test_chunks_are_no_larger_than_the_consumers_recognise() -> None:
    chunks = history(per_day=1500, days=2)
    assert max(map(len, chunks)) == CHUNK_SIZE
    for chunk in chunks:
        visitors = Counter(decode_batch(record.data).visitor_id for record in chunk)
        assert max(visitors.values()) <= ID_WINDOW


def test_the_context_is_that_of_the_visitors() -> None:
    found = batches(history())
    assert {"Chrome", "Firefox", "Safari"} <= {batch.context.browser for batch in found}
    assert {"US", "DE", "GB"} <= {batch.context.country for batch in found}
    assert {"München", "São Paulo"} <= {batch.context.city for batch in found}
    assert {"Google", "newsletter"} <= {batch.events[0].source for batch in found}
    assert {event.name for batch in found for event in batch.events} >= {"", "signup", "download"}
