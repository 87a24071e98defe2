"""Sample history: simulated traffic of past days, as trusted events for the stream."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import chain, takewhile
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

from aggregates.window import SECOND_MS, day_start
from ingest.hits.judge import Policy
from ingest.stream.sink import SinkRecord
from liveinsight.imports.trusted import ChunkLimit, TrustedCollector, TrustedRecord
from liveinsight.traffic.simulation import (
    SimulatedEvent,
    Traffic,
    Visit,
    in_order,
    visits_starting,
)
from runtime.sites.site import Site


def sample_history(
    site: Site, days: int, per_day: float, now: datetime, rng: Random
) -> Iterator[list[SinkRecord]]:
    """Yield chunks of records, in order of time, that give a site some history up to now.

    A day's events depend only on the site, the day, `per_day` and the seed of `rng`: a run that
    was broken off may be repeated, and its last chunk sent again, without counting anything twice.

    Args:
        site: a site without visitors of its own on these days.
        days: site-local days, today among them.
        per_day: mean number of visits a day; one has about EVENTS_PER_VISIT events.
        now: where the history ends.
        rng: freshly seeded.
    """
    seed = rng.getrandbits(64)
    today = site.local_day(now)
    past = [today - timedelta(days=back) for back in reversed(range(days))]
    visits = chain.from_iterable(_visits_of(site, day, per_day, seed) for day in past)
    until = now.timestamp()
    events = takewhile(lambda event: event.at < until, in_order(visits))
    return _chunks(site, events)


def _visits_of(site: Site, day: date, per_day: float, seed: int) -> Iterator[Visit]:
    rng = Random(f"{seed}|{site.site_id}|{day.isoformat()}")  # noqa: S311 - must be repeatable
    timezone = ZoneInfo(site.timezone)
    start, end = (
        datetime.fromtimestamp(day_start(moment, site.timezone) / SECOND_MS, timezone)
        for moment in (day, day + timedelta(days=1))
    )
    return visits_starting(start, end, per_day, Traffic(site.site_id, rng), rng)


def _chunks(site: Site, events: Iterator[SimulatedEvent]) -> Iterator[list[SinkRecord]]:
    collector = TrustedCollector(site, Policy())
    chunk: list[SinkRecord] = []
    limit = ChunkLimit()
    for event in events:
        trusted = _trusted(collector, event)
        chunk.append(trusted.record)
        limit.add(trusted.visitor_id)
        if limit.reached:
            yield chunk
            chunk, limit = [], ChunkLimit()
    if chunk:
        yield chunk


def _trusted(collector: TrustedCollector, event: SimulatedEvent) -> TrustedRecord:
    outcome = collector.collect(
        event.hit,
        event.client,
        event_id=UUID(event.hit.event_id),
        at=datetime.fromtimestamp(event.at, UTC),
    )
    if not isinstance(outcome, TrustedRecord):
        raise TypeError(f"the collector refused a simulated hit: {outcome}")
    return outcome
