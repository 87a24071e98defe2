"""Folds batches into the live view: one item for each (site, minute of arrival, partition)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aggregates.minute import bounded, merge, minute_of
from aggregates.stores.ports import MinuteKey, MinuteStore, StoredMinute, Versioned
from aggregates.visitor import event_digest
from aggregates.window import MINUTE_MS, SECOND_MS, tumbling
from processors.dead_letter import DeadLetterStore
from processors.progress import advance, is_ahead
from processors.record import Decoded, Record, decode
from runtime.errors import ConflictError
from schemas.event import EventBatch

RETENTION = timedelta(hours=48)
"""How long the live view can be rewound. What arrived before that (an import of an old log) is not
written at all."""

RECENT_EVENT_IDS = 512
"""Event ids that an item remembers, and hands on to the next minute, so that a request which is
sent twice is shown once. Eight bytes each."""

MAX_ATTEMPTS = 20
"""How many conflicts in a row a batch takes before Lambda is asked to send it again."""


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
        pending = _by_minute(decoded, now)
        conflicts = 0
        for _ in range(MAX_ATTEMPTS):
            stored = self._minutes.load(_with_predecessors(pending))
            changes = _folded_in_order(pending, stored, now)
            lost = self._minutes.save(changes) if changes else set()
            if not lost:
                return RealtimeOutcome(len(poison), conflicts)
            conflicts += len(lost)
            pending = {key: pending[key] for key in lost}
        raise ConflictError(f"{len(pending)} minutes lost {MAX_ATTEMPTS} conflicts in a row")


def _by_minute(decoded: Iterable[Decoded], now: datetime) -> dict[MinuteKey, list[Decoded]]:
    oldest = int((now - RETENTION).timestamp() * SECOND_MS)
    groups: dict[MinuteKey, list[Decoded]] = {}
    for one in decoded:
        if one.batch.events and one.batch.received_at >= oldest:
            minute = tumbling(one.batch.received_at, MINUTE_MS)
            groups.setdefault(MinuteKey(one.batch.site_id, minute, one.partition), []).append(one)
    return groups


def _predecessor(key: MinuteKey) -> MinuteKey:
    return key._replace(minute=key.minute - MINUTE_MS)


def _with_predecessors(keys: Iterable[MinuteKey]) -> set[MinuteKey]:
    wanted = set(keys)
    return wanted | {_predecessor(key) for key in wanted}


def _folded_in_order(
    pending: Mapping[MinuteKey, Iterable[Decoded]],
    stored: Mapping[MinuteKey, Versioned[StoredMinute]],
    now: datetime,
) -> dict[MinuteKey, Versioned[StoredMinute]]:
    """Fold minute after minute, so that a new one takes over what this batch adds to the last."""
    changes: dict[MinuteKey, Versioned[StoredMinute]] = {}
    for key in sorted(pending):
        change = _folded(key, pending[key], {**stored, **changes}, now)
        if change is not None:
            changes[key] = change
    return changes


def _folded(
    key: MinuteKey,
    group: Iterable[Decoded],
    stored: Mapping[MinuteKey, Versioned[StoredMinute]],
    now: datetime,
) -> Versioned[StoredMinute] | None:
    """Merge what the item does not hold yet; None where it holds it all."""
    item = stored[key]
    fresh = [one for one in group if is_ahead(one.record, item.value.progress)]
    if not fresh:
        return None
    known = item.value.recent_event_ids
    if item.version == 0:
        known = stored[_predecessor(key)].value.recent_event_ids
    recent = list(known)
    batches = [_without_duplicates(one.batch, recent) for one in fresh]
    minute = merge((item.value.minute, *(minute_of(batch) for batch in batches)))
    return Versioned(
        StoredMinute(
            minute=bounded(minute),
            progress=advance(item.value.progress, (one.record for one in fresh), now),
            recent_event_ids=tuple(recent[-RECENT_EVENT_IDS:]),
            expires_at=key.minute // SECOND_MS + int(RETENTION.total_seconds()),
        ),
        item.version,
    )


def _without_duplicates(batch: EventBatch, recent: list[bytes]) -> EventBatch:
    fresh = []
    for event in batch.events:
        digest = event_digest(event.event_id)
        if digest not in recent:
            recent.append(digest)
            fresh.append(event)
    return batch if len(fresh) == len(batch.events) else replace(batch, events=tuple(fresh))
