"""Asks every witness of an engine, in the order in which events go."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from itertools import islice

from aggregates.stores.heads import HeadStore, lost_text
from aggregates.window import local_hour
from api.reconciliation.evidence import SPILL, Break, Evidence, Waiting
from ingest.accepted.port import AcceptedCounts
from ingest.stream.spill import Spill, decode
from liveinsight.evidence.port import Backlog
from processors.archive.chain import Chain
from processors.archive.verify import broken_at, shortened
from processors.dead_letter import DeadLetters
from processors.record import UNFOLDABLE
from runtime.errors import LiveInsightError, PermanentError
from runtime.sites.site import Site
from schemas.codec import UndecodableError
from schemas.event import decode_batch

MOST_LOOKED_AT = 5000
"""Records, or requests, at one place: where more wait, what is in them is not added up."""
MOST_LETTERS = 1000


@dataclass(frozen=True, slots=True)
class Parts:
    """Who can be asked; None: not on this engine, or not named in the environment."""

    heads: HeadStore
    accepted: AcceptedCounts | None = None
    spill: Spill | None = None
    backlog: Backlog | None = None
    letters: DeadLetters | None = None
    archive: Chain | None = None
    is_thorough: bool = False
    """Whether the files of the archive are looked at one by one, but for those in the midst of
    compacted ones, which 'archive verify' reads."""


@dataclass(slots=True)
class _Inquiry:
    """What was found so far, of some days of a site."""

    site: Site
    first: date
    last: date
    witnesses: list[str] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    accepted: dict[date, int] = field(default_factory=dict)
    on_the_way: Counter[date] = field(default_factory=Counter)
    is_all_seen: bool = True
    letter_times: list[int] = field(default_factory=list)
    broken: list[Break] = field(default_factory=list)

    def evidence(self) -> Evidence:
        return Evidence(
            witnesses=tuple(self.witnesses),
            waiting=tuple(self.waiting),
            accepted=self.accepted,
            on_the_way=self.on_the_way,
            is_all_seen=self.is_all_seen,
            dead_letters=len(self.letter_times),
            newest_letter_at=max(self.letter_times, default=0),
            broken=tuple(self.broken),
        )

    def meets(self, partition_key: str, data: bytes) -> bool:
        """Add the events of a record, where they are the site's; say whether they can be."""
        if not partition_key.startswith(f"{self.site.site_id}/"):
            return True
        try:
            batch = decode_batch(data)
            day = local_hour(batch.received_at, self.site.timezone).day
        except (UndecodableError, *UNFOLDABLE):
            return False
        self.on_the_way[day] += len(batch.events)
        return True

    def has_day(self, milliseconds: int) -> bool:
        try:
            day = self.site.local_day(datetime.fromtimestamp(milliseconds / 1000, UTC))
        except UNFOLDABLE:
            return True
        return self.first <= day <= self.last


class AllWitnesses:
    """Witnesses that see whatever the engine's parts can tell."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def of(self, site: Site, first: date, last: date) -> Evidence:
        """Return what is known of a range of days, both ends included."""
        inquiry = _Inquiry(site, first, last)
        for name, ask in _questions(self._parts):
            inquiry.witnesses.append(name)
            try:
                ask(inquiry)
            except LiveInsightError:
                # Not the message: it names files, and strangers may ask. The doctor tells it.
                inquiry.is_all_seen = False
                inquiry.broken.append(Break("cannot be read: 'liveinsight doctor' says why", name))
        return inquiry.evidence()


def _questions(parts: Parts) -> Iterator[tuple[str, Callable[[_Inquiry], None]]]:
    if parts.accepted is not None:
        yield "collector", partial(_ask_collector, parts.accepted)
    if parts.spill is not None:
        yield SPILL, partial(_ask_spill, parts.spill)
    if parts.backlog is not None:
        yield "stream", partial(_ask_stream, parts.backlog)
    if parts.letters is not None:
        yield "dead letters", partial(_ask_letters, parts.letters)
    yield "archive", partial(_ask_archive, parts)


def _ask_collector(counts: AcceptedCounts, inquiry: _Inquiry) -> None:
    inquiry.accepted = dict(counts.by_day(inquiry.site.site_id, inquiry.first, inquiry.last))


def _ask_spill(spill: Spill, inquiry: _Inquiry) -> None:
    names = list(spilled(spill))
    if names:
        inquiry.waiting.append(Waiting(SPILL, len(names), spilled_at(names[0])))
    looked_at = names[:MOST_LOOKED_AT]
    inquiry.is_all_seen &= len(looked_at) == len(names)
    for name, content in zip(looked_at, spill.read(looked_at), strict=True):
        try:
            records = [] if content is None else decode(content, name)
        except PermanentError:
            inquiry.broken.append(Break(f"{name} holds no records, and is never moved", SPILL))
            continue
        for one in records:
            inquiry.is_all_seen &= inquiry.meets(one.partition_key, one.data)


def _ask_stream(backlog: Backlog, inquiry: _Inquiry) -> None:
    waiting, gone = backlog.look()
    inquiry.waiting += waiting
    inquiry.broken += gone
    records = backlog.unarchived()
    for one in islice(records, MOST_LOOKED_AT):
        inquiry.is_all_seen &= inquiry.meets(one.partition_key, one.data)
    inquiry.is_all_seen &= next(records, None) is None


def _ask_letters(letters: DeadLetters, inquiry: _Inquiry) -> None:
    names = letters.names()
    for name in islice(names, MOST_LETTERS):
        letter = letters.get(name)
        if letter is None or letter.redriven:
            continue
        record = letter.record
        if not record.partition_key.startswith(f"{inquiry.site.site_id}/"):
            continue
        inquiry.is_all_seen &= inquiry.meets(record.partition_key, record.data)
        if inquiry.has_day(record.arrived_at):
            inquiry.letter_times.append(record.arrived_at)
    if next(names, None) is not None:
        inquiry.is_all_seen = False
        inquiry.broken.append(
            Break(f"more than {MOST_LETTERS:,} of all sites, not looked through", "dead letters")
        )


def _ask_archive(parts: Parts, inquiry: _Inquiry) -> None:
    inquiry.broken += archive_losses(parts.heads, parts.archive, is_thorough=parts.is_thorough)


def spilled(spill: Spill) -> Iterator[str]:
    """Give the names of all that waits in the spill, oldest first."""
    after = ""
    while page := spill.names(after=after):
        yield from page
        after = page[-1]


def spilled_at(name: str) -> int:
    """Return when something was spilled, epoch milliseconds."""
    return int(name.partition("-")[0])


def archive_losses(heads: HeadStore, chain: Chain | None, *, is_thorough: bool) -> Iterator[Break]:
    """Give what was archived and is gone, of whatever site and day."""
    known = heads.heads()
    for shard, head in known.items():
        lost = shortened(chain, shard, head) if chain is not None else None
        gone = head.lost if lost is None or lost in head.lost else (*head.lost, lost)
        yield from (Break(lost_text(one), f"archive, {shard}") for one in gone)
    if chain is not None and is_thorough:
        for shard in sorted({*chain.shards(), *known}):
            problem = broken_at(chain, shard)
            if problem:
                yield Break(problem, f"archive, {shard}")
