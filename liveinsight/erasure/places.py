"""The places beside the archive and the stream where something of a visitor is kept."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol, TypeVar

from aggregates.minute import Minute
from aggregates.stores.ports import (
    EventStore,
    MinuteKey,
    MinuteStore,
    RawEvent,
    StoredMinute,
    StoredVisitor,
    Versioned,
    VisitorKey,
    VisitorsOfSites,
)
from aggregates.window import MINUTE_MS
from ingest.stream.sink import SinkRecord
from ingest.stream.spill import Spill, decode
from processors.columns.writer import ColumnsWriter
from processors.commit import commit
from processors.dead_letter import DeadLetter, DeadLetters
from processors.erasure.selection import Selection

T = TypeVar("T")

DELETED_AT_ONCE = 500
LAST_MINUTE = 10**14
"""Epoch milliseconds, beyond all that a key can hold but for a digit."""


class Place(Protocol):
    """Where something is kept that may have to be erased."""

    @property
    def name(self) -> str:
        """What is counted, as receipts call it."""

    def find(self, selection: Selection) -> int:
        """Return how much there is, and change nothing.

        Raises:
            RetryableError: a store did not answer.
        """

    def erase(self, selection: Selection) -> int:
        """Erase; return how much that was.

        Raises:
            RetryableError: some may be gone and some not; erasing again goes on.
        """


@dataclass(frozen=True, slots=True)
class SpillPlace:
    """Records that wait for the stream."""

    spill: Spill
    name: str = "spilled_records"

    def find(self, selection: Selection) -> int:
        """Return how many records there are."""
        return sum(count for *_, count in self._found(selection))

    def erase(self, selection: Selection) -> int:
        """Erase; what was drained meanwhile is on the stream."""
        return sum(
            count * self.spill.rewrite(name, records, expected=content)
            for name, content, records, count in self._found(selection)
        )

    def _found(self, selection: Selection) -> Iterator[tuple[str, bytes, list[SinkRecord], int]]:
        """Yield puts with what is left of their records, and how many are not as they were."""
        after = ""
        while names := self.spill.names(after=after):
            for name, content in zip(names, self.spill.read(names), strict=True):
                if content is None:
                    continue
                left, count = list[SinkRecord](), 0
                spilled_at = int(name.partition("-")[0])
                for record in decode(content, name):
                    erased = selection.erase(record.partition_key, record.data, spilled_at)
                    count += erased is not None
                    data = record.data if erased is None else erased.data
                    if data is not None:
                        left.append(SinkRecord(record.partition_key, data))
                if count:
                    yield name, content, left, count
            after = names[-1]


@dataclass(frozen=True, slots=True)
class LetterPlace:
    """Dead letters, or malformed hits."""

    letters: DeadLetters
    name: str

    def find(self, selection: Selection) -> int:
        """Return how many letters there are."""
        return sum(1 for _ in self._found(selection))

    def erase(self, selection: Selection) -> int:
        """Delete the letters; one that is only in part to be erased keeps the rest."""
        count = 0
        for some in _some(list(self._found(selection)), DELETED_AT_ONCE):
            self.letters.delete([one.name for one, data in some if data is None])
            for one, data in some:
                if data is not None:
                    self.letters.rewrite(one, data)
            count += len(some)
        return count

    def _found(self, selection: Selection) -> Iterator[tuple[DeadLetter, bytes | None]]:
        for name in self.letters.names():
            one = self.letters.get(name)
            if one is None:
                continue
            record = one.record
            erased = selection.erase(record.partition_key, record.data, record.arrived_at)
            if erased is not None:
                yield one, None if selection.visitor_id else erased.data


@dataclass(frozen=True, slots=True)
class RawEventPlace:
    """The raw events of a day."""

    events: EventStore
    name: str = "raw_events"

    def find(self, selection: Selection) -> int:
        """Return how many events there are."""
        return len(self._found(selection))

    def erase(self, selection: Selection) -> int:
        """Delete the events."""
        found = self._found(selection)
        for some in _some(found, DELETED_AT_ONCE):
            self.events.delete(some)
        return len(found)

    def _found(self, selection: Selection) -> list[RawEvent]:
        return [raw for raw in self.events.every() if selection.has_raw(raw)]


@dataclass(frozen=True, slots=True)
class StatePlace:
    """The states of visitors, of every generation. The stats consumer must be paused.

    Of the past it takes the states of visitors who have not come since: what later events of the
    others need, a rebuild gives anew.
    """

    visitors: VisitorsOfSites
    name: str = "visitor_states"

    def find(self, selection: Selection) -> int:
        """Return how many states there are."""
        return len(self._found(selection))

    def erase(self, selection: Selection) -> int:
        """Delete the states."""
        found = self._found(selection)
        for some in _some(found, DELETED_AT_ONCE):
            self.visitors.delete(some)
        return len(found)

    def _found(self, selection: Selection) -> list[VisitorKey]:
        states = self.visitors.of_site(selection.site_id, selection.visitor_id)
        return [key for key, stored in states if _is_past(stored, selection.before)]


@dataclass(frozen=True, slots=True)
class MinutePlace:
    """The live view. A visitor leaves it; how much was viewed in a minute stays, for two days."""

    minutes: MinuteStore
    name: str = "live_minutes"

    def find(self, selection: Selection) -> int:
        """Return how many minutes there are."""
        return len(self._found(selection))

    def erase(self, selection: Selection) -> int:
        """Take the visitor out of minutes, or delete them."""
        keys = self._found(selection)
        if not selection.visitor_id:
            for some in _some(keys, DELETED_AT_ONCE):
                self.minutes.delete(some)
            return len(keys)

        def without(
            key: MinuteKey, _: None, stored: Mapping[MinuteKey, Versioned[StoredMinute]]
        ) -> dict[MinuteKey, Versioned[StoredMinute]]:
            item = stored[key]
            if not _has(item.value.minute, selection.visitor_id):
                return {}
            minute = _without(item.value.minute, selection.visitor_id)
            return {key: Versioned(replace(item.value, minute=minute), item.version)}

        commit(self.minutes, dict.fromkeys(keys), lambda key, _: [key], without)
        return len(keys)

    def _found(self, selection: Selection) -> list[MinuteKey]:
        last = LAST_MINUTE if selection.before is None else selection.before - MINUTE_MS
        return [
            key
            for key, stored in self.minutes.minutes(selection.site_id, 0, last)
            if not selection.visitor_id or _has(stored.minute, selection.visitor_id)
        ]


def _has(minute: Minute, visitor_id: bytes) -> bool:
    """Say whether a visitor is in a minute: in what is counted, or among the newest events."""
    shown = any(event.visitor_id == visitor_id for event in minute.newest)
    return shown or visitor_id in minute.visitors


@dataclass(frozen=True, slots=True)
class ColumnsPlace:
    """The columns of events."""

    writer: ColumnsWriter
    name: str = "column_events"

    def find(self, selection: Selection) -> int:
        """Return how many events there are."""
        return self.writer.find(selection)

    def erase(self, selection: Selection) -> int:
        """Erase; the files of the days around are merged again by the engine."""
        return self.writer.erase(selection)


def _without(minute: Minute, visitor_id: bytes) -> Minute:
    visitors = {one: place for one, place in minute.visitors.items() if one != visitor_id}
    newest = tuple(event for event in minute.newest if event.visitor_id != visitor_id)
    return replace(minute, visitors=visitors, newest=newest)


def _is_past(stored: StoredVisitor, before: int | None) -> bool:
    ends = [visit.ended_at for visit in stored.state.visits]
    return before is None or max(ends, default=0) < before


def _some(things: Sequence[T], size: int) -> Iterator[list[T]]:
    left: Iterable[T] = iter(things)
    while some := list(islice(left, size)):
        yield some
