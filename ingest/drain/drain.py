"""Moves the records of the spill to the stream, oldest first.

A put is deleted from the spill after the stream has acknowledged it. So a crash between the two
puts records on the stream twice, as do two drains at once; consumers know the events again by
their ids, as long as they remember them. Therefore few records are between the two at any time.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ingest.stream.sink import EventSink, SinkRecord
from ingest.stream.spill import Spill, decode
from runtime.errors import PermanentError, RetryableError
from schemas.codec import UndecodableError
from schemas.event import decode_batch

LOGGER = logging.getLogger(__name__)

READ_TOGETHER = 100
"""Puts that are in memory at a time."""

MAX_EVENTS_OF_VISITOR = 50
"""Moved at a time. A visitor's state remembers 64 event ids; one request may hold 50."""
MAX_EVENTS = 500
"""Moved at a time. The live view remembers 512 event ids."""


@dataclass(frozen=True, slots=True)
class DrainReport:
    """What a drain came to."""

    records_drained: int
    spills_left: int
    """Puts that are still in the spill: those that the drain saw. There may be more."""
    stopped_by: str
    """Why it ended before it had tried all of them; empty: it did not."""


@dataclass(frozen=True, slots=True)
class Spilled:
    """One put to the spill; without records if somebody else has moved it."""

    name: str
    records: Sequence[SinkRecord]


@dataclass(slots=True)
class _Progress:
    records: int = 0
    seen: int = 0
    moved: int = 0


class SpillDrain:
    """Puts on the stream what waits in the spill. Several at once are harmless.

    Args:
        spill: holds the records.
        stream: gets them.
        has_time: says whether the invocation has time for one more write.
    """

    def __init__(self, spill: Spill, stream: EventSink, has_time: Callable[[], bool]) -> None:
        self._spill = spill
        self._stream = stream
        self._has_time = has_time

    def run(self) -> DrainReport:
        """Move everything, or as much as goes before the first fault.

        A put that can never be moved is logged, and left where it is.

        Raises:
            RetryableError: the spill could not even be listed.
        """
        progress, stopped_by = _Progress(), ""
        try:
            for names in self._pages(progress):
                for start in range(0, len(names), READ_TOGETHER):
                    self._move(names[start : start + READ_TOGETHER], progress)
        except RetryableError as error:
            if not progress.seen:
                raise
            stopped_by = str(error)
        return DrainReport(progress.records, progress.seen - progress.moved, stopped_by)

    def _pages(self, progress: _Progress) -> Iterator[list[str]]:
        after = ""
        while names := self._spill.names(after=after):
            progress.seen += len(names)
            after = names[-1]
            yield names

    def _move(self, names: Sequence[str], progress: _Progress) -> None:
        contents = zip(names, self._spill.read(names), strict=True)
        found = [one for name, content in contents if (one := _spilled(name, content)) is not None]
        for together in few_at_a_time(found):
            self._put(together, progress)

    def _put(self, together: Sequence[Spilled], progress: _Progress) -> None:
        if not self._has_time():
            raise RetryableError("the invocation is nearly over")
        records = [record for one in together for record in one.records]
        try:
            self._stream.put(records)
        except PermanentError as error:
            if len(together) == 1:
                LOGGER.error("spill_unmovable %s: %s", together[0].name, error)  # noqa: TRY400
                return
            for one in together:
                self._put([one], progress)
            return
        progress.records += len(records)
        self._spill.delete([one.name for one in together])
        progress.moved += len(together)


def _spilled(name: str, content: bytes | None) -> Spilled | None:
    try:
        return Spilled(name, () if content is None else decode(content, name))
    except PermanentError as error:
        LOGGER.error("spill_unreadable: %s", error)  # noqa: TRY400 - the message says it all
        return None


def few_at_a_time(found: Iterable[Spilled]) -> Iterator[list[Spilled]]:
    """Cut puts into groups whose events consumers remember, should the group come twice.

    A put that is too large by itself is a group of its own.
    """
    group: list[Spilled] = []
    events: Counter[tuple[str, bytes]] = Counter()
    for one in found:
        own = _events_of_visitors(one.records)
        events += own
        if group and (
            events.total() > MAX_EVENTS or max(events.values(), default=0) > MAX_EVENTS_OF_VISITOR
        ):
            yield group
            group, events = [], own
        group.append(one)
    if group:
        yield group


def _events_of_visitors(records: Iterable[SinkRecord]) -> Counter[tuple[str, bytes]]:
    """Count events by site and visitor. What cannot be decoded will be a dead letter."""
    events: Counter[tuple[str, bytes]] = Counter()
    for record in records:
        try:
            batch = decode_batch(record.data)
        except UndecodableError:
            continue
        events[batch.site_id, batch.visitor_id] += len(batch.events)
    return events
