"""What witnesses say who are none of the consumers: the port, and what is known without them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from runtime.sites.site import Site

SPILL = "spill"
"""Where requests wait that the stream did not take."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits at one place. Times are epoch milliseconds."""

    where: str
    """SPILL, or the consumer of the stream for which it waits."""
    count: int
    """Records of the stream, or requests of the spill."""
    oldest_at: int
    """When the one that waits longest was acknowledged; 0 where nothing waits."""
    moved_at: int = 0
    """When the place was last seen to work; 0: nobody knows."""


@dataclass(frozen=True, slots=True)
class Break:
    """A loss, or what nobody can go on from: what it is, and where.

    `day`: on which the events arrived; None: of whatever day.
    """

    what: str
    where: str
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known beside the ledgers of a range of days of a site."""

    witnesses: tuple[str, ...] = ()
    """Who was asked."""
    waiting: tuple[Waiting, ...] = ()
    accepted: Mapping[date, int] = field(default_factory=dict)
    """Events by the collector's own count, which lags by what it has not written down."""
    on_the_way: Mapping[date, int] = field(default_factory=dict)
    """Events that are in the spill, or in the stream for the archive, or are dead letters."""
    is_all_seen: bool = True
    """Whether `on_the_way` has all of them."""
    dead_letters: int = 0
    """Of these days, that were not redriven."""
    newest_letter_at: int = 0
    broken: tuple[Break, ...] = ()


NOTHING_KNOWN = Evidence()


class Witnesses(Protocol):
    """Are asked before the ledgers are read, in the order in which events go.

    So an event that moves on meanwhile may be seen at two places, but not at none.
    """

    def of(self, site: Site, first: date, last: date) -> Evidence:
        """Return what is known of a range of days, both ends included.

        What cannot be read is broken, and no error.
        """


class NoWitnesses:
    """Nobody: the ledgers alone speak."""

    def of(self, site: Site, first: date, last: date) -> Evidence:  # noqa: ARG002 - of the port
        """Return nothing."""
        return NOTHING_KNOWN
