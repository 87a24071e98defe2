"""Heads: where the archive of each shard ends, remembered apart from the archive.

The chain of a shard's objects says by itself where one is missing, but not that its end is.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

from aggregates.stores.ports import VersionedStore

REMEMBERED_OBJECTS = 32
"""Of a shard, the newest: what they held can be said once they are gone."""


class HeadKey(NamedTuple):
    """A shard."""

    shard: str


@dataclass(frozen=True, slots=True)
class WrittenObject:
    """An object of the archive: the records behind `after` up to `last`, and their events."""

    after: int
    last: int
    records: int
    events: int


@dataclass(frozen=True, slots=True)
class LostObjects:
    """Records that were archived and are gone: those behind `after` up to `last`.

    `records` and `events`: how many they were; None where nobody knows.
    """

    after: int
    last: int
    records: int | None
    events: int | None


@dataclass(frozen=True, slots=True)
class Head:
    """The newest objects of a shard, in order."""

    objects: tuple[WrittenObject, ...] = ()
    lost: tuple[LostObjects, ...] = ()
    """What was found to be gone."""

    @property
    def last(self) -> int:
        """The sequence number up to which the shard was archived; 0 where nothing was."""
        return self.objects[-1].last if self.objects else 0

    def moved(self, written: WrittenObject) -> "Head":
        """Return the head once an object is written; it never moves back."""
        if written.last <= self.last:
            return self
        return replace(self, objects=(*self.objects, written)[-REMEMBERED_OBJECTS:])

    def beyond(self, after: int) -> LostObjects | None:
        """Return what is gone where the shard ends behind a sequence number; None: nothing is."""
        if self.last <= after:
            return None
        found = tuple(one for one in self.objects if one.after >= after)
        if not found or found[0].after != after:
            return LostObjects(after, self.last, None, None)
        records, events = (sum(one.records for one in found), sum(one.events for one in found))
        return LostObjects(after, self.last, records, events)

    def without(self, lost: LostObjects) -> "Head":
        """Return the head once something was found to be gone."""
        return self if lost in self.lost else replace(self, lost=(*self.lost, lost))


class HeadStore(VersionedStore[HeadKey, Head], Protocol):
    """The heads of all shards."""

    def heads(self) -> dict[str, Head]:
        """Return every head by its shard.

        Raises:
            RetryableError: the store did not answer.
        """


def encode_head(head: Head) -> dict[str, Any]:
    """Return the attributes of a head. Sequence numbers are text: they fit no number type."""
    return {"objects": _rows(head.objects), "lost": _rows(head.lost)}


def decode_head(attributes: Mapping[str, Any]) -> Head:
    """Read a head back."""
    return Head(
        tuple(WrittenObject(*row) for row in _numbers(attributes["objects"])),
        tuple(LostObjects(*row) for row in _numbers(attributes["lost"])),
    )


def _rows(ranges: Iterable[WrittenObject | LostObjects]) -> str:
    rows = [[str(one.after), str(one.last), one.records, one.events] for one in ranges]
    return json.dumps(rows, separators=(",", ":"))


def _numbers(rows: str) -> Iterator[tuple[int, int, Any, Any]]:
    for after, last, records, events in json.loads(rows):
        yield int(after), int(last), records, events


def lost_text(lost: LostObjects) -> str:
    """Return what is said of records that were archived and are gone."""
    if lost.last == lost.after:
        return (
            f"the file behind sequence number {lost.after} was broken, and its batch came again:"
            " was there more?"
        )
    count = (
        "an unknown number of records"
        if lost.records is None
        else f"{lost.records:,} records with {lost.events:,} events"
    )
    return f"{count} lost behind sequence number {lost.after} up to {lost.last}"
