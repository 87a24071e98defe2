"""When a site needs more partitions, and the change of its settings that gives them to it.

A partition's records are one key of the stream: they are in one shard, which takes 1,000 records
or 1 MB a second, and are counted by one writer. More shards do not help a site that fills one;
more partitions do. Each costs a read for each day that is asked for, and a write for each batch, so
there are as few as will do.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from aggregates.stores.encoding import MAX_ITEM_BYTES
from runtime.sites.partitions import MAX_GROWTH, MAX_PARTITIONS
from runtime.sites.site import DAY, Site, SiteStore

SHARD_RECORDS_PER_SECOND: Final = 1000
"""https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html"""

BUSY_PER_SECOND: Final = SHARD_RECORDS_PER_SECOND // 10
"""Mean records a second and partition in the busiest hour, above which a site grows. Ten times as
many fill a shard, six times as many the stats consumer where each is another visitor's
(docs/scale.md). The room is for the peaks within an hour, for a day with twice the traffic of the
one before, for what has to be caught up after a fault, and for the other sites of the shard."""

LARGE_ITEM_BYTES: Final = MAX_ITEM_BYTES // 2
"""Above this a day with twice the values would lose some to `(other)`: MAX_ITEM_BYTES."""

LEAST_PER_SECOND: Final = 10
"""Mean records a second and partition in the busiest hour, below which a large item is no reason.

What makes it large may be a stranger: ten requests fill an item
(docs/decisions/0019-bounds-in-bytes.md), and would double the site's partitions, and its bill, day
after day. And a batch writes the items of every partition that it holds: a site of 2,000 pages and
10 million views a month has six records a second in its busiest hour, and with the four partitions
that its items would ask for each event costs half as much again (docs/scale.md). From ten a second
on a batch has enough records for each."""

HOUR_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class PartitionLoad:
    """What a site's partitions carried on one of its days, as far as it has come."""

    day: date
    """Site-local: today or yesterday."""
    busiest_hour_records: int
    """Records of the site that came in the busiest hour of the day, in all partitions."""
    largest_item_bytes: int
    """Of the day's rollup items, one for each partition, as stored."""


def grown(partitions: int, load: PartitionLoad) -> int:
    """Return how many partitions a site should have that has had so many under this load.

    Never fewer: what is quiet today may come back, and fewer partitions save little.
    """
    per_second = load.busiest_hour_records / HOUR_SECONDS / partitions
    is_large = load.largest_item_bytes > LARGE_ITEM_BYTES and per_second >= LEAST_PER_SECOND
    if per_second > BUSY_PER_SECOND or is_large:
        return min(MAX_GROWTH * partitions, MAX_PARTITIONS)
    return partitions


def grow(sites: SiteStore, site_id: str, load: PartitionLoad, *, now: datetime) -> bool:
    """Give a site more partitions from its next day on, if its load asks for them.

    Running it again, also at the same time, changes nothing more: the load asks for twice as many
    as its own day had, not as there are. A number that somebody has set for the next day stands.

    Returns:
        Whether the site grew by this call.

    Raises:
        RetryableError: the site store did not answer; the site may have grown.
    """
    outcome = False

    def change(site: Site) -> Site:
        nonlocal outcome
        changed = _grown_site(site, load, now)
        outcome = changed != site
        return changed

    return sites.update(site_id, change) is not None and outcome


def _grown_site(site: Site, load: PartitionLoad, now: datetime) -> Site:
    wanted = grown(site.partitions.number_on(load.day), load)
    first_day = site.next_day(now)
    is_set = first_day in site.partitions.after(first_day - DAY)
    before = site.partitions.number_on(first_day - DAY)
    if is_set or wanted <= before or site.partitions.is_full:
        return site
    return site.with_partitions(min(wanted, MAX_GROWTH * before), now=now)
