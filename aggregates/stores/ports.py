"""The ports of the stores. Adapters are named technology + role: `sqlite.py`."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Generic, NamedTuple, Protocol, TypeVar

from aggregates.filter import NO_VALUES, Filter
from aggregates.minute import NOTHING, Minute
from aggregates.progress import NOWHERE, Progress
from aggregates.rollup import EMPTY, Rollup
from aggregates.seal import UNSEALED, Period, Seal
from aggregates.visitor import NEW, VisitorState
from schemas.event import Context, Event

K = TypeVar("K")
V = TypeVar("V")


class Layer(StrEnum):
    """Which part of an open day of a partition an item holds (`aggregates.stores.layers`)."""

    RECENT = "recent"
    BASE = "base"


class RollupKey(NamedTuple):
    """One rollup item: a layer of a site-local day of one partition."""

    generation: int
    site_id: str
    day: date
    partition: int
    layer: Layer = Layer.RECENT


class SealKey(NamedTuple):
    """The seal of a closed period of a site."""

    generation: int
    site_id: str
    period: Period
    first: date
    """Its first day."""


class VisitorKey(NamedTuple):
    """One visitor's state."""

    generation: int
    site_id: str
    visitor_id: bytes


class MinuteKey(NamedTuple):
    """What arrived in one minute in one partition. `minute`: its start, epoch milliseconds."""

    site_id: str
    minute: int
    partition: int


@dataclass(frozen=True, slots=True)
class StoredRollup:
    """A rollup item. What an epoch is, `aggregates.stores.layers` says."""

    rollup: Rollup = EMPTY
    """Of the layer RECENT the rows of its epoch, of a BASE those of all epochs before its own."""
    progress: Progress = NOWHERE
    crowded_out: Filter = NO_VALUES
    """The values that have no row of their own any more (`aggregates.rollup.crowd_out`)."""
    epoch: int = 0
    handed: Rollup = EMPTY
    """Of the layer RECENT the rows of the epoch before, on their way into the base."""
    frozen: bool = False
    """Of a BASE: nothing is merged into it any more, because it is being sealed, or has been."""
    body: bytes = field(default=b"", compare=False, repr=False)
    """Its tables as they are stored, where they have been encoded or were read so."""


@dataclass(frozen=True, slots=True)
class StoredSeal:
    """A seal and when it was made (epoch seconds)."""

    seal: Seal = UNSEALED
    sealed_at: int = 0


@dataclass(frozen=True, slots=True)
class StoredVisitor:
    """A visitor's state and when it may be forgotten (epoch seconds)."""

    state: VisitorState = NEW
    expires_at: int = 0


@dataclass(frozen=True, slots=True)
class StoredMinute:
    """A realtime item and when it may be forgotten (epoch seconds).

    A store keeps at most MAX_ITEM_BYTES of it (`aggregates.minute.shrunk`).
    """

    minute: Minute = NOTHING
    progress: Progress = NOWHERE
    recent_event_ids: tuple[bytes, ...] = ()
    expires_at: int = 0


@dataclass(frozen=True, slots=True)
class Versioned(Generic[V]):
    """A stored value and the version it was read at; version 0 is not stored yet."""

    value: V
    version: int


class VersionedStore(Protocol[K, V]):
    """Keeps values that several writers change: a write names the version it was based on."""

    def load(self, keys: Iterable[K]) -> dict[K, Versioned[V]]:
        """Return a value for every key; one that is not stored is empty, at version 0.

        Raises:
            RetryableError: the store did not answer.
        """

    def save(self, changes: Mapping[K, Versioned[V]]) -> set[K]:
        """Write each value if the stored version is still the one it carries.

        Returns:
            The keys that another writer has changed since; theirs stands. The rest is written, each
            at the next version, or at one that it has never had where it was not stored.

        Raises:
            RetryableError: some may be written and some not; saving again is safe.
        """


class RollupStore(VersionedStore[RollupKey, StoredRollup], Protocol):
    """Rollup items: what is open."""

    def items(
        self, generation: int, site_id: str, first: date, last: date
    ) -> dict[RollupKey, Versioned[StoredRollup]]:
        """Return the items of a range of days, both ends included, as of now."""

    def drop(self, versions: Mapping[RollupKey, int]) -> set[RollupKey]:
        """Delete each item if the stored version is still this one.

        Returns:
            The keys of the items that another writer has changed, or dropped, since.

        Raises:
            RetryableError: some may be gone and some not; dropping again is safe.
        """


class SealStore(VersionedStore[SealKey, StoredSeal], Protocol):
    """Seals. One may be of any size."""

    def seals(
        self, generation: int, site_id: str, period: Period, first: date, last: date
    ) -> dict[SealKey, StoredSeal]:
        """Return the seals whose first day is in a range, both ends included, in order."""

    def versions(
        self, generation: int, site_id: str, period: Period, first: date, last: date
    ) -> dict[SealKey, int]:
        """Return the versions of the seals whose first day is in a range, as of now, in order.

        A small read, whatever the size of the seals.
        """

    def delete(self, keys: Iterable[SealKey]) -> None:
        """Delete seals of a generation that nobody reads or writes any more.

        Raises:
            RetryableError: some may be gone and some not; deleting again is safe.
        """


class VisitorStore(VersionedStore[VisitorKey, StoredVisitor], Protocol):
    """Visitor states. One that has expired may or may not still be there."""


class VisitorsOfSites(Protocol):
    """The states of visitors, of every generation.

    Who deletes one must see to it that the stats consumer remembers none.
    """

    def of_site(
        self, site_id: str, visitor_id: bytes = b""
    ) -> Iterator[tuple[VisitorKey, StoredVisitor]]:
        """Yield the states of a site, or of one of its visitors.

        Raises:
            RetryableError: the store did not answer.
        """

    def delete(self, keys: Collection[VisitorKey]) -> None:
        """Delete states.

        Raises:
            RetryableError: some may be gone and some not; deleting again is safe.
        """


class MinuteStore(VersionedStore[MinuteKey, StoredMinute], Protocol):
    """Realtime items. One that has expired may or may not still be there."""

    def minutes(self, site_id: str, first: int, last: int) -> list[tuple[MinuteKey, StoredMinute]]:
        """Return the items of the minutes from `first` to `last`, both ends included."""

    def delete(self, keys: Collection[MinuteKey]) -> None:
        """Delete items. A writer that has read one begins it anew.

        Raises:
            RetryableError: some may be gone and some not; deleting again is safe.
        """


@dataclass(frozen=True, slots=True)
class RawEvent:
    """One accepted event with what its request said."""

    site_id: str
    visitor_id: bytes
    received_at: int
    context: Context
    event: Event
    expires_at: int
    """Epoch seconds."""


class EventStore(Protocol):
    """Raw events by session, for a day. An event that is put again is there once.

    Which copy stands, where an event came in two requests, is open: they differ only in what the
    requests said (`received_at`, `context`).
    """

    def put(self, events: Sequence[RawEvent]) -> None:
        """Write the events.

        Raises:
            RetryableError: some may be written and some not; putting again is safe.
        """

    def session(self, session_id: str) -> list[RawEvent]:
        """Return the events of a session by time."""

    def every(self) -> Iterator[RawEvent]:
        """Yield all events, in no order: this reads the whole store.

        Raises:
            RetryableError: the store did not answer.
        """

    def delete(self, events: Collection[RawEvent]) -> None:
        """Delete events.

        Raises:
            RetryableError: some may be gone and some not; deleting again is safe.
        """
