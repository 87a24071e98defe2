"""The ledger: what each stage says became of the hits of a day, and whether the stages agree.

The collector accounts for every hit of a request in the request's record. Two consumers that share
nothing but the stream read this account, each with the guards that keep its own counts exact: the
archive consumer for what it archived, the stats consumer for what it counted. A ledger lies in the
rollup items of the day of arrival, as the dimension INTAKE.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from aggregates.rollup import Counters, Dimension, RowKey
from aggregates.value import value_of
from schemas.event import EventBatch

ARCHIVE_GENERATION = 0
"""The generation under which the archive consumer keeps its ledger. Rollups begin with 1."""

REJECTED = "rejected:"
"""Begins the names of the rows of refused hits; the reason follows."""


ERASED = "erased"
"""The reason of what was accepted, and erased later (processors/erasure/)."""


class Stage(StrEnum):
    """What a hit came to. Refused hits have a row for each reason beside these."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REPEATED = "repeated"
    COUNTED = "counted"


def is_plain(batch: EventBatch) -> bool:
    """Say whether a request had events, and nothing but events."""
    hits = batch.received or len(batch.events)
    return hits == len(batch.events) > 0 and not batch.duplicates and not batch.rejected


def stated(batch: EventBatch) -> dict[RowKey, Counters]:
    """Return what the collector says became of a request's hits."""
    events = len(batch.events)
    counts = {
        _RECEIVED: batch.received or events,
        _ACCEPTED: events,
        _DUPLICATE: batch.duplicates,
    }
    for refused in batch.rejected:
        row = _row(REJECTED + refused.code)
        counts[row] = counts.get(row, 0) + 1
    return _listed(counts)


def counted(events_counted: int, events_repeated: int) -> dict[RowKey, Counters]:
    """Return what became of a record's events: counted, or recognised as counted before."""
    return _listed({_COUNTED: events_counted, _REPEATED: events_repeated})


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the hits of a day.

    `received = accepted + duplicates + rejected` and `accepted = archived = counted`, once all
    stages have seen all records. An event that was sent again is a duplicate wherever that was
    found out; the archive keeps its repeats as well, so `archived` is without them.
    """

    received: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    """By reason."""
    archived: int = 0
    counted: int = 0
    unarchived: int = 0
    """Events accepted and not archived."""

    def plus(self, other: "Account") -> "Account":
        """Return the account of both together. What one lacks, no surplus of the other hides."""
        reasons = sorted({*self.rejected, *other.rejected})
        return Account(
            received=self.received + other.received,
            accepted=self.accepted + other.accepted,
            duplicates=self.duplicates + other.duplicates,
            rejected={
                name: self.rejected.get(name, 0) + other.rejected.get(name, 0) for name in reasons
            },
            archived=self.archived + other.archived,
            counted=self.counted + other.counted,
            unarchived=self.unarchived + other.unarchived,
        )

    @property
    def unaccounted(self) -> int:
        """Hits that arrived and came to nothing; negative: came to more."""
        return self.received - self.accepted - self.duplicates - sum(self.rejected.values())

    @property
    def uncounted(self) -> int:
        """Events accepted and not counted."""
        return self.accepted - self.counted

    @property
    def balanced(self) -> bool:
        """Whether all stages agree."""
        return not (self.unaccounted or self.unarchived or self.uncounted)


Ledger = Mapping[str, int]
"""Hits or events by stage."""


def reconcile(ours: Ledger, theirs: Ledger) -> Account:
    """Lay the ledgers of both consumers side by side.

    A hit that only one of them knows of is in `received` or `accepted`, and missing elsewhere. So
    this takes those of one day and partition: in sums, what each lacks would hide the other's.

    Args:
        ours: the stats consumer's.
        theirs: the archive consumer's.
    """
    theirs = _with_erased(ours, theirs)
    said = {name: max(ours.get(name, 0), theirs.get(name, 0)) for name in {*ours, *theirs}}
    repeated, archived = ours.get(Stage.REPEATED, 0), theirs.get(Stage.ACCEPTED, 0)
    return Account(
        received=said.get(Stage.RECEIVED, 0),
        accepted=said.get(Stage.ACCEPTED, 0) - repeated,
        duplicates=said.get(Stage.DUPLICATE, 0) + repeated,
        rejected={
            name.removeprefix(REJECTED): said[name]
            for name in sorted(said)
            if name.startswith(REJECTED)
        },
        archived=max(0, archived - repeated),
        counted=ours.get(Stage.COUNTED, 0),
        unarchived=said.get(Stage.ACCEPTED, 0) - archived,
    )


def _with_erased(ours: Ledger, theirs: Ledger) -> Ledger:
    """Return the archive consumer's ledger with as much erased as the other's.

    What is counted was folded anew since the erasure, and the archive's ledger is as it was when
    the records came; or the other way round, where an erasure left the totals as they were.
    """
    row = REJECTED + ERASED
    erased = ours.get(row, 0) - theirs.get(row, 0)
    if not (erased and theirs):
        return theirs
    accepted = theirs.get(Stage.ACCEPTED, 0) - erased
    return {**theirs, row: ours.get(row, 0), Stage.ACCEPTED: accepted}


def _listed(counts: Mapping[RowKey, int]) -> dict[RowKey, Counters]:
    return {row: Counters(0, 0, 0, count, 0, 0, 0) for row, count in counts.items() if count}


def _row(name: str) -> RowKey:
    return Dimension.INTAKE, value_of(name)


_RECEIVED = _row(Stage.RECEIVED.value)
_ACCEPTED = _row(Stage.ACCEPTED.value)
_DUPLICATE = _row(Stage.DUPLICATE.value)
_REPEATED = _row(Stage.REPEATED.value)
_COUNTED = _row(Stage.COUNTED.value)
FULLY_COUNTED = (_RECEIVED, _ACCEPTED, _COUNTED)
"""The rows of a request that is plain, and none of whose events was counted before."""
