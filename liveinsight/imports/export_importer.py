"""Imports an export of events, ours or another tool's: each is counted at its own time.

The events go through the stream and the consumers. Nothing is judged again, so neither their age
nor today's rules change them; visitor ids, times and partitions are those that they had. As with
access logs (`liveinsight/imports/importer.py`), what is imported twice, or again after a crash, is
counted once.

An imported visitor keeps its partition. Its id is of a day of the other installation, which that
installation alone knows, and a visitor must stay in one partition; the number of partitions that a
site has says only where its new visitors go.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import groupby
from typing import Any

from aggregates.window import local_hour
from ingest.accepted.port import Accepted
from ingest.hits.judge import partition_key
from ingest.stream.sink import EventSink, SinkRecord
from liveinsight.exports.event_row import ExportedEvent
from liveinsight.imports.checkpoint import (
    CHECK_LENGTH,
    Checkpoint,
    ImportCheckpoints,
)
from liveinsight.imports.export_source import EventReader, EventSource, ReadEvent
from liveinsight.imports.options import ImportOptions, Tally
from liveinsight.imports.resume import Resumption
from liveinsight.imports.trusted import EARLIEST, ChunkLimit, is_plausible
from processors.record import UNFOLDABLE
from query.columns import TEXTS
from runtime.errors import UsageError
from runtime.sites.site import Site
from schemas.event import Context, EventBatch, encode_batch
from schemas.text import clean

OPTIONS = ImportOptions()


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What a run did. The export has `already_imported + imported` events."""

    imported: int
    """Events of this run."""
    already_imported: int
    """Events that earlier runs have imported."""
    days: dict[date, int]
    """Events of all runs, by the day that they are counted on."""


@dataclass(slots=True)
class _Chunk:
    """Events on their way to the stream and into the checkpoint."""

    limit: ChunkLimit = field(default_factory=ChunkLimit)
    events: list[ExportedEvent] = field(default_factory=list)
    checks: bytearray = field(default_factory=bytearray)
    digest: bytes = b""
    last: int = 0
    days: Counter[date] = field(default_factory=Counter)

    def add(self, read: ReadEvent) -> None:
        self.limit.add(read.exported.visitor_id)
        self.events.append(cleaned(read.exported))
        self.checks += read.digest[:CHECK_LENGTH]
        self.digest, self.last = read.digest, read.number
        self.days[read.exported.day] += 1


class ExportImporter:
    """Imports exports into one site.

    Args:
        site: has the time zone of the site that the events are of.
        sink: the stream.
        checkpoints: what has been imported.
        has_counts: says whether anything is counted on a day.
        merge: whether events may be added to days that have counts of other origin.
        now: the time.
    """

    def __init__(
        self,
        site: Site,
        sink: EventSink,
        checkpoints: ImportCheckpoints,
        has_counts: Callable[[date], bool],
        *,
        now: datetime,
        merge: bool = False,
    ) -> None:
        self._site, self._sink, self._checkpoints = site, sink, checkpoints
        self._has_counts, self._merge, self._now = has_counts, merge, now

    def run(
        self, source: EventSource, *, on_progress: Callable[[int], None] = lambda _: None
    ) -> ExportReport:
        """Import what has not been imported of an export. Safe to repeat, also after an error.

        Args:
            source: the export.
            on_progress: told how many events have been read.

        Raises:
            UsageError: it is no export of this site, its days begin elsewhere, a day has counts
                already, or another import is running.
            RetryableError: the stream or the checkpoints could not be written.
        """
        with self._checkpoints.locked():
            first_line = source.first_line()
            if first_line is None:
                return ExportReport(0, 0, {})
            log = sha256(first_line).digest()
            runs = Resumption(self._checkpoints, self._site.site_id, log, OPTIONS, source.name)
            checkpoint, reader = runs.resume(
                lambda: EventReader(source, self._problem), lambda one: on_progress(one.lines_read)
            )
            before = min(checkpoint.lines, reader.lines_read)
            for chunk in _chunks(reader):
                checkpoint = self._commit(chunk, checkpoint)
                on_progress(chunk.last)
            days = {day: count for day, count in checkpoint.tally.per_day.items() if count}
            return ExportReport(reader.lines_read - before, before, days)

    def _problem(self, exported: ExportedEvent) -> str:
        if exported.site_id != self._site.site_id:
            return f"it is of the site {exported.site_id!a}: import it with --site of that name"
        try:
            day = local_hour(exported.event.occurred_at, self._site.timezone).day
            local_hour(exported.received_at, self._site.timezone)
        except UNFOLDABLE as error:
            return f"its time cannot be counted: {error}"
        at = datetime.fromtimestamp(exported.event.occurred_at / 1000, UTC)
        if not is_plausible(at, self._now):
            return f"it is of {day}, which is before {EARLIEST:%Y} or ahead of now"
        if day != exported.day:
            return (
                f"it was counted on {exported.day}, and in {self._site.timezone} it is of {day}:"
                " the site must have the time zone of the one that it is from"
            )
        return ""

    def _commit(self, chunk: _Chunk, before: Checkpoint) -> Checkpoint:
        """Send a chunk, then note it: in this order a crash loses nothing."""
        begun = self._with_new_days(chunk, before)
        self._sink.put(list(records_of(chunk.events, self._site.timezone)))
        tally = begun.tally.plus(Tally(counted=len(chunk.events), per_day=dict(chunk.days)))
        moved = replace(begun, lines=chunk.last, digest=chunk.digest, tally=tally)
        self._checkpoints.save(moved, bytes(chunk.checks))
        return moved

    def _with_new_days(self, chunk: _Chunk, before: Checkpoint) -> Checkpoint:
        """Note the days that are begun, which must have no counts: later they have ours."""
        new = [day for day in chunk.days if day not in before.tally.per_day]
        if not new:
            return before
        for day in new:
            if not self._merge and self._has_counts(day):
                raise UsageError(
                    f"{self._site.site_id} has counts of {day} already: what is exported is"
                    " imported into an empty site, or, where its events are none of the counted"
                    " ones, with --merge"
                )
        begun = replace(before, tally=before.tally.plus(Tally(per_day=dict.fromkeys(new, 0))))
        self._checkpoints.save(begun, b"")
        return begun


def cleaned(exported: ExportedEvent) -> ExportedEvent:
    """Return an event with no control characters: somebody may have edited the file."""
    event, context = exported.event, exported.context
    texts: dict[str, Any] = {name: clean(getattr(event, name)) for name in TEXTS}
    props = {clean(key): clean(value) for key, value in event.props.items()}
    return exported._replace(
        context=Context(*map(clean, astuple(context))),
        event=replace(event, props=props, **texts),
    )


def records_of(events: list[ExportedEvent], timezone: str) -> Iterator[SinkRecord]:
    """Give the records of events: one for those of a request that follow each other.

    Args:
        events: which.
        timezone: of the site.
    """
    for _, together in groupby(events, key=_request):
        first, *others = together
        batch = EventBatch(
            site_id=first.site_id,
            visitor_id=first.visitor_id,
            received_at=first.received_at,
            context=first.context,
            events=(first.event, *(one.event for one in others)),
        )
        day = local_hour(first.received_at, timezone).day
        accepted = Accepted(first.site_id, day, len(batch.events))
        key = partition_key(first.site_id, first.partition)
        yield SinkRecord(key, encode_batch(batch), accepted)


def _request(one: ExportedEvent) -> object:
    place = one.shard, one.sequence_number, one.partition
    return *place, one.visitor_id, one.received_at, one.context


def _chunks(reader: EventReader) -> Iterator[_Chunk]:
    chunk = _Chunk()
    for read in reader:
        chunk.add(read)
        if chunk.limit.reached:
            yield chunk
            chunk = _Chunk()
    if chunk.events:
        yield chunk
