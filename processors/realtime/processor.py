"""Folds batches into the live view: one item for each (site, minute of arrival, partition)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from aggregates.minute import bounded, merge, minute_of
from aggregates.progress import RecentEvents, advance, covered
from aggregates.stores.encoding import LIVE_DIGEST_LENGTH
from aggregates.stores.ports import MinuteKey, MinuteStore, StoredMinute, Versioned
from aggregates.window import MINUTE_MS, SECOND_MS, tumbling
from processors.commit import commit
from processors.dead_letter import DeadLetterStore
from processors.record import Decoded, Record, decode

RETENTION = timedelta(hours=48)
"""How long the live view can be rewound. What arrived before that (an import of an old log) is not
written at all."""

RECENT_EVENT_IDS = 512
"""Event ids that an item remembers, and hands on to the next minute, so that a request which is
sent twice is shown once. LIVE_DIGEST_LENGTH bytes each."""

Items = Mapping[MinuteKey, Versioned[StoredMinute]]


@dataclass(frozen=True, slots=True)
class RealtimeOutcome:
    """What a batch came to."""

    records_poisoned: int
    write_conflicts: int


class RealtimeProcessor:
    """Keeps the last minutes of every site."""

    def __init__(self, minutes: MinuteStore, dead_letters: DeadLetterStore) -> None:
        self._minutes = minutes
        self._dead_letters = dead_letters

    def run(self, records: Sequence[Record], *, now: datetime) -> RealtimeOutcome:
        """Fold a batch in. Any part of it may have been folded in before.

        Raises:
            RetryableError: nothing, or some of it, is written; running it again is safe.
        """
        decoded, poison = decode(records)
        self._dead_letters.put(poison)
        minutes = _by_minute(decoded, now)
        conflicts = commit(self._minutes, minutes, _with_predecessor, partial(_merged, now))
        return RealtimeOutcome(len(poison), conflicts)


def _by_minute(decoded: Iterable[Decoded], now: datetime) -> dict[MinuteKey, list[Decoded]]:
    """Group minute after minute, so that one takes over what this batch adds to the last."""
    oldest = int((now - RETENTION).timestamp() * SECOND_MS)
    groups: dict[MinuteKey, list[Decoded]] = {}
    for one in decoded:
        if one.batch.events and one.batch.received_at >= oldest:
            minute = tumbling(one.batch.received_at, MINUTE_MS)
            groups.setdefault(MinuteKey(one.batch.site_id, minute, one.partition), []).append(one)
    return dict(sorted(groups.items()))


def _predecessor(key: MinuteKey) -> MinuteKey:
    return key._replace(minute=key.minute - MINUTE_MS)


def _with_predecessor(key: MinuteKey, _: object) -> tuple[MinuteKey, MinuteKey]:
    return key, _predecessor(key)


def _merged(now: datetime, key: MinuteKey, group: Iterable[Decoded], stored: Items) -> Items:
    """Merge what the item does not hold yet."""
    item, progress = stored[key], stored[key].value.progress
    fresh = [one for one in group if not covered(one.record.position, progress.checkpoints)]
    if not fresh:
        return {}
    before = item if item.version else stored[_predecessor(key)]
    recent = RecentEvents(before.value.recent_event_ids, RECENT_EVENT_IDS, LIVE_DIGEST_LENGTH)
    batches = [replace(one.batch, events=tuple(recent.admit(one.batch.events))) for one in fresh]
    merged = StoredMinute(
        minute=bounded(merge((item.value.minute, *map(minute_of, batches)))),
        progress=advance(progress, (one.record.arrival for one in fresh), now),
        recent_event_ids=recent.digests(),
        expires_at=key.minute // SECOND_MS + int(RETENTION.total_seconds()),
    )
    return {key: Versioned(merged, item.version)}
