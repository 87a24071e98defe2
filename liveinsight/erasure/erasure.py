"""An erasure: a visitor, the past, or all of a site leaves every place where it is kept.

1. The site is told that an erasure has begun, so that everybody knows until it has ended. Of a site
   that goes as a whole nothing is accepted from then on.
2. In passes, until one finds nothing: the spill; the stream, and what the consumers have of it in
   their hands; then what they wrote: archive, letters, raw events, live view, states of visitors.
3. The site is counted anew from what is left of its archive, unless its totals shall stay, and old
   generations are deleted. Of a site that goes everything else is deleted, its settings last.
4. What holds all that is written anew, or rid of its old versions, so that no byte is left of it.

Every step may be the last one: erasing again begins with the first one, and finds what is left.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from aggregates.ledger import ARCHIVE_GENERATION
from aggregates.seal import FIRST_DAY, LAST_DAY
from aggregates.stores.ports import RollupStore, SealStore
from ingest.accepted.port import AcceptedCounts
from ingest.salts.salts import SaltStore
from liveinsight.erasure.places import Place, StatePlace
from liveinsight.erasure.stream import ErasableStream
from processors.archive.chain import Chain
from processors.compaction.retention import MARGIN
from processors.erasure.archive import ArchiveEraser, ErasedRecords
from processors.erasure.selection import Selection
from processors.seal.processor import delete_generation
from processors.seal.retention import drop_days
from runtime.errors import UsageError
from runtime.sites.site import Site, SiteStore

MOST_PASSES = 5
"""After so many, somebody sends what is to be erased all the time: that is for another erasure."""


@dataclass(frozen=True, slots=True)
class ErasureStores:
    """What an erasure changes beside the places."""

    sites: SiteStore
    salts: Callable[[], SaltStore]
    accepted: AcceptedCounts | None
    """The collector's own count, where it keeps one."""
    rollups: RollupStore
    seals: SealStore
    chain: Chain
    states: StatePlace
    places: Sequence[Place]
    """The spill first: what leaves it goes to the stream."""


@dataclass(frozen=True, slots=True)
class Recounting:
    """The stats consumer, and what counts a site anew."""

    paused: Callable[[], AbstractContextManager[None]]
    give_up: Callable[[str], None]
    """Gives up a rebuild of the site that has been begun: it has folded what is to be erased."""
    recount: Callable[[str, set[date]], None]


@dataclass(slots=True)
class Receipt:
    """What was found, or erased."""

    counts: dict[str, int] = field(default_factory=dict)
    days: set[date] = field(default_factory=set)
    """Site-local, of the records and events."""
    recounted: bool = False
    still_arriving: bool = False
    """Whether something came after each pass: it may be there."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was there."""
        return not any(self.counts.values())

    def add(self, name: str, count: int) -> None:
        """Count something."""
        self.counts[name] = self.counts.get(name, 0) + count


class Erasure:
    """Erases from one engine.

    Args:
        stores: what is changed.
        stream: with the consumers.
        recounting: counts anew.
        on_step: told what is being done.
    """

    def __init__(
        self,
        stores: ErasureStores,
        stream: ErasableStream,
        recounting: Recounting,
        on_step: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._stores, self._stream, self._recounting = stores, stream, recounting
        self._on_step = on_step

    def find(self, selection: Selection) -> Receipt:
        """Return what would be erased, and change nothing.

        Raises:
            BrokenArchiveError: objects of the archive are missing or changed.
            RetryableError: a store did not answer.
        """
        receipt, site = Receipt(), self._stores.sites.get(selection.site_id)
        self._on_step("looking for what is to be erased")
        receipt.add("stream_records", self._stream.find(selection))
        for place in (*self._stores.places, self._stores.states):
            receipt.add(place.name, place.find(selection))
        self._add(receipt, ArchiveEraser(self._stores.chain, selection.erase).find(), site)
        return receipt

    def run(self, selection: Selection, *, keep_totals: bool) -> Receipt:
        """Erase.

        Args:
            selection: what.
            keep_totals: whether what is counted stays as it is.

        Raises:
            BrokenArchiveError: objects of the archive are missing or changed.
            RetryableError: a store did not answer, or a consumer stands still; running it again
                goes on.
            UsageError: the site cannot be counted anew.
        """
        if not keep_totals:
            _refuse_lacking(self._stores.sites.get(selection.site_id), selection)
        found, site = self.find(selection), self._stores.sites.get(selection.site_id)
        # A site's own mark goes with its settings, and then its files are still to be cleaned.
        is_begun = selection.is_site or (site is not None and site.erasing)
        if found.is_empty and not is_begun:
            return found
        receipt = Receipt(days=found.days)
        self._begin(selection, keep_totals=keep_totals)
        self._passes(selection, receipt, site)
        if selection.is_site:
            self._remove(selection.site_id, receipt)
        elif site is not None:
            self._count_anew(selection, receipt, site, keep_totals=keep_totals)
        self._on_step("writing anew what held it")
        receipt.add("old_versions", self._stream.clean())
        self._changed(selection.site_id, erasing=False)
        return receipt

    def _begin(self, selection: Selection, *, keep_totals: bool) -> None:
        def begun(site: Site) -> Site:
            closed = site.closed or selection.is_site
            marked = replace(site, erasing=True, closed=closed)
            if selection.before is None:
                return marked
            first = local_day(site, selection.before) + MARGIN if keep_totals else None
            known = site.archived_from
            return replace(marked, archived_from=max(first, known or first) if first else None)

        if self._stores.sites.update(selection.site_id, begun) is None:
            return
        self._recounting.give_up(selection.site_id)
        if selection.is_site:
            self._on_step("waiting until nothing is accepted any more")
            self._stream.until_known()

    def _passes(self, selection: Selection, receipt: Receipt, site: Site | None) -> None:
        for _ in range(MOST_PASSES):
            once = Receipt()
            self._pass(selection, once, site)
            for name, count in once.counts.items():
                receipt.add(name, count)
            receipt.days |= once.days
            if once.is_empty:
                return
            if once.counts["spilled_records"]:
                self._stream.until_drained()
        receipt.still_arriving = True

    def _pass(self, selection: Selection, receipt: Receipt, site: Site | None) -> None:
        spill, *written = self._stores.places
        self._on_step("erasing from the spill and the stream")
        receipt.add(spill.name, spill.erase(selection))
        receipt.add("stream_records", self._stream.erase(selection))
        self._on_step("waiting for the consumers")
        self._stream.pass_by(selection)
        # Of which nothing is left: now they can go.
        receipt.add("stream_records", self._stream.erase(selection))
        self._on_step("erasing from the archive")
        self._add(receipt, ArchiveEraser(self._stores.chain, selection.erase).run(), site)
        self._on_step("erasing from the tables")
        for place in written:
            receipt.add(place.name, place.erase(selection))
        with self._recounting.paused():
            receipt.add(self._stores.states.name, self._stores.states.erase(selection))

    def _count_anew(
        self, selection: Selection, receipt: Receipt, site: Site, *, keep_totals: bool
    ) -> None:
        if keep_totals:
            return
        self._on_step("counting anew")
        if selection.before is not None:
            first = local_day(site, selection.before)
            ledger = ARCHIVE_GENERATION, site.site_id
            drop_days(self._stores.rollups, self._stores.seals, *ledger, before=first)
            self._forget_accepted(site.site_id, first)
        self._recounting.recount(site.site_id, receipt.days)
        receipt.recounted = True
        present = self._changed(site.site_id, kept=None)
        self._stream.until_known()
        for generation in range(1, site.last_generation + 1):
            if present is not None and generation != present.generation:
                self._delete_generation(generation, site.site_id)

    def _delete_generation(self, generation: int, site_id: str) -> None:
        delete_generation(self._stores.rollups, self._stores.seals, generation, site_id)
        states = self._stores.states.visitors
        keys = [key for key, _ in states.of_site(site_id) if key.generation == generation]
        states.delete(keys)

    def _remove(self, site_id: str, receipt: Receipt) -> None:
        """Delete all else of a site, and its settings when nothing needs them any more."""
        self._on_step("erasing the site")
        site = self._stores.sites.get(site_id)
        last = 1 if site is None else site.last_generation
        for generation in range(last + 1):
            rollups = self._stores.rollups.items(generation, site_id, FIRST_DAY, date.max)
            receipt.add("rollup_items", len(rollups))
            delete_generation(self._stores.rollups, self._stores.seals, generation, site_id)
        receipt.add("import_checkpoints", self._stream.forget(site_id))
        receipt.add("salts", self._stores.salts().erase(site_id))
        self._forget_accepted(site_id, LAST_DAY)
        receipt.add("sites", int(self._stores.sites.remove(site_id)))

    def _forget_accepted(self, site_id: str, before: date) -> None:
        """Let the witness of what was accepted not miss what was erased."""
        if self._stores.accepted is not None:
            self._stores.accepted.erase(site_id, before)

    def _changed(self, site_id: str, **settings: object) -> Site | None:
        def change(site: Site) -> Site:
            return replace(site, **settings)  # type: ignore[arg-type]

        return self._stores.sites.update(site_id, change)

    def _add(self, receipt: Receipt, records: ErasedRecords, site: Site | None) -> None:
        receipt.add("archived_records", records.records)
        receipt.add("archived_events", records.events)
        receipt.add("archive_objects", records.objects)
        if site is not None:
            receipt.days |= {local_day(site, moment) for moment in records.moments}


def _refuse_lacking(site: Site | None, selection: Selection) -> None:
    """Leave a site alone that cannot be counted anew from what the archive has."""
    if site is None or site.archived_from is None or selection.is_site:
        return
    from_ = site.archived_from
    if selection.before is None or local_day(site, selection.before) < from_:
        raise UsageError(
            f"the archive of {site.site_id} has everything from {from_} on, so what is counted of"
            " the days before cannot be counted anew: run it with --keep-totals"
        )


def local_day(site: Site, moment: int) -> date:
    """Return the day of a site on which a moment lies (epoch milliseconds)."""
    return datetime.fromtimestamp(moment / 1000, UTC).astimezone(ZoneInfo(site.timezone)).date()
