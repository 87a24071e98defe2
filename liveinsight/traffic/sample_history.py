"""Sample history: simulated traffic of past days, as trusted events for the stream."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from heapq import merge
from itertools import chain, takewhile
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

from aggregates.window import SECOND_MS, day_start
from ingest.hits.judge import Policy
from ingest.stream.sink import SinkRecord
from liveinsight.imports.trusted import ChunkLimit, TrustedCollector, TrustedRecord
from liveinsight.traffic.catalogue import ARRIVALS, Arrival
from liveinsight.traffic.simulation import (
    SimulatedEvent,
    Traffic,
    Visit,
    in_order,
    visits_starting,
)
from runtime.sites.site import Site


@dataclass(frozen=True, slots=True)
class SampleDay:
    """A day of a sample history, which depends on nothing but this and its site."""

    day: date
    """Site-local."""
    visits: float
    """In the mean."""
    crowd: Arrival | None = None
    """Where many more come from on this day."""
    crowd_visits: float = 0.0


def sample_day(
    site: Site, wanted: SampleDay, now: datetime, seed: int
) -> Iterator[list[SinkRecord]]:
    """Yield chunks of records, in order of time, of the visits that begin on a day, up to now."""
    visits = _visits_of(site, wanted.day, wanted.visits, seed)
    if wanted.crowd is not None:
        crowd = _visits_of(site, wanted.day, wanted.crowd_visits, seed + 1, (wanted.crowd,))
        visits = merge(visits, crowd, key=lambda visit: visit[0].at)
    return _chunks(site, _until(now, visits))


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
    return _chunks(site, _until(now, visits))


def _until(now: datetime, visits: Iterator[Visit]) -> Iterator[SimulatedEvent]:
    end = now.timestamp()
    return takewhile(lambda event: event.at < end, in_order(visits))


def _visits_of(
    site: Site, day: date, per_day: float, seed: int, arrivals: Sequence[Arrival] = ARRIVALS
) -> Iterator[Visit]:
    rng = Random(f"{seed}|{site.site_id}|{day.isoformat()}")  # noqa: S311 - must be repeatable
    timezone = ZoneInfo(site.timezone)
    start, end = (
        datetime.fromtimestamp(day_start(moment, site.timezone) / SECOND_MS, timezone)
        for moment in (day, day + timedelta(days=1))
    )
    return visits_starting(start, end, per_day, Traffic(site.site_id, rng, arrivals), rng)


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
