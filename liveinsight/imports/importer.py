"""Imports a web server's access log: each line that counts becomes one event of its own time.

The events go through the collector's validation, the stream and the consumers. Running an import
twice, or again after a crash, counts each line once:

- the events of a line always have the same id and the same visitor;
- a checkpoint is moved, durably, after the stream has acknowledged a chunk of lines, so only the
  last chunk can be sent twice;
- a chunk is so small that the consumers recognise all of it (`ChunkLimit`).
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from pydantic import ValidationError

from ingest.hits.client import MAX_USER_AGENT, Client
from ingest.hits.judge import Policy, Rejected
from ingest.stream.sink import EventSink, SinkRecord
from liveinsight.imports.access_log import (
    LogLine,
    Malformed,
    Reason,
    classify,
    decode_line,
    parse_line,
)
from liveinsight.imports.checkpoint import (
    CHECK_LENGTH,
    Checkpoint,
    ImportCheckpoints,
    ImportOptions,
    Tally,
)
from liveinsight.imports.log_source import LineReader, LogSource, RawLine
from liveinsight.imports.resume import Resumption
from liveinsight.imports.trusted import ChunkLimit, TrustedCollector, TrustedRecord, is_plausible
from runtime.sites.site import Site
from schemas.hit import Hit

MAX_REFERRER = 2000
"""What a hit takes; a longer referrer is cut, because its host alone decides the source."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come."""

    lines: int
    counted: int
    bytes_read: int
    bytes_total: int


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What a run did. The log has `skipped + already_imported + lines_read` lines."""

    skipped: int
    """Lines before `--from-line`: not looked at."""
    already_imported: int
    """Lines that earlier runs have read."""
    run: Tally
    """What came out of the lines of this run."""
    total: Tally
    """The same for all runs."""

    @property
    def lines_read(self) -> int:
        """Lines of this run: `counted` and all of `left_out`."""
        return self.run.lines_read

    @property
    def counted(self) -> int:
        """Lines of this run that became events."""
        return self.run.counted

    @property
    def left_out(self) -> Mapping[Reason, int]:
        """Lines of this run that did not, by reason."""
        return self.run.left_out


@dataclass(frozen=True, slots=True)
class Counted:
    """A line that became an event."""

    at: datetime
    trusted: TrustedRecord


@dataclass(slots=True)
class _Chunk:
    """Lines on their way to the stream and into the checkpoint."""

    limit: ChunkLimit = field(default_factory=ChunkLimit)
    records: list[SinkRecord] = field(default_factory=list)
    checks: bytearray = field(default_factory=bytearray)
    left_out: Counter[Reason] = field(default_factory=Counter)
    days: Counter[date] = field(default_factory=Counter)
    times: list[datetime] = field(default_factory=list)

    def add(self, outcome: Counted | Reason | None) -> None:
        """Take the outcome of one line; None: a line that is passed over."""
        if isinstance(outcome, Counted):
            self.limit.add(outcome.trusted.visitor_id)
            self.records.append(outcome.trusted.record)
            self.days[outcome.trusted.day] += 1
            self.times.append(outcome.at)
            return
        self.limit.add()
        if outcome is not None:
            self.left_out[outcome] += 1

    def tally(self) -> Tally:
        """Return what came out of the lines."""
        return Tally(
            counted=len(self.records),
            left_out=dict(self.left_out),
            per_day=dict(self.days),
            first_at=min(self.times, default=None),
            last_at=max(self.times, default=None),
        )


def ignore_progress(_: Progress) -> None:
    """Show nothing."""


class Importer:
    """Imports logs into one site.

    Args:
        site: whose visitors the log shows.
        sink: the stream.
        checkpoints: what has been imported.
        options: which lines count.
        now: the time; what a line says of the future is none of its visitors' doing.
    """

    def __init__(
        self,
        site: Site,
        sink: EventSink,
        checkpoints: ImportCheckpoints,
        options: ImportOptions,
        *,
        now: datetime,
    ) -> None:
        self._site = site
        self._sink = sink
        self._checkpoints = checkpoints
        self._options = options
        self._now = now
        self._collector = TrustedCollector(
            site, Policy(keep_query=options.keep_query, count_bots=options.count_everything)
        )

    def run(self, source: LogSource, *, on_progress: OnProgress = ignore_progress) -> ImportReport:
        """Import what has not been imported of a log. Safe to repeat, also after an error.

        The last line is read also when it has no line feed. If it could be read, what is added to
        it later is passed over; if not, it is left to the next run.

        Raises:
            UsageError: the log cannot be read, was imported with other options, or another
                import is running.
            RetryableError: the stream or the checkpoints could not be written.
        """
        with self._checkpoints.locked():
            first_line = source.first_line()
            if first_line is None:
                return ImportReport(0, 0, Tally(), Tally())
            log = hashlib.sha256(first_line).digest()
            site_id = self._site.site_id
            logs = Resumption(self._checkpoints, site_id, log, self._options, source.name)
            checkpoint, reader = logs.resume(
                source.read, lambda reader: on_progress(_progress(source, reader, Tally()))
            )
            run = Tally()
            for tally in self._import(log, reader, checkpoint):
                run = run.plus(tally)
                on_progress(_progress(source, reader, run))
            return self._report(reader, checkpoint, run)

    def _import(self, log: bytes, reader: LineReader, checkpoint: Checkpoint) -> Iterator[Tally]:
        """Import chunk after chunk; give what came out of each."""
        first = max(_lines_imported(checkpoint) + 1, self._options.from_line)
        chunk = _Chunk()
        for line in reader:
            chunk.add(None if line.number < first else self._outcome(log, line))
            chunk.checks += reader.digest()[:CHECK_LENGTH]
            if chunk.limit.reached:
                checkpoint = self._commit(chunk, _moved(checkpoint, chunk, reader))
                yield chunk.tally()
                chunk = _Chunk()
        if chunk.limit.size:
            checkpoint = self._commit(chunk, _moved(checkpoint, chunk, reader))
            yield chunk.tally()
        if reader.rest is not None and reader.rest.number >= first:
            yield self._import_rest(log, reader.rest, checkpoint)

    def _import_rest(self, log: bytes, rest: RawLine, checkpoint: Checkpoint) -> Tally:
        chunk = _Chunk()
        outcome = self._outcome(log, rest)
        chunk.add(outcome)
        if outcome is not Reason.MALFORMED:  # else perhaps only half of it has been written
            tally = checkpoint.tally.plus(chunk.tally())
            self._commit(chunk, replace(checkpoint, rest_imported=True, tally=tally))
        return chunk.tally()

    def _commit(self, chunk: _Chunk, moved: Checkpoint) -> Checkpoint:
        """Send a chunk, then note it: in this order a crash loses nothing."""
        if chunk.records:
            self._sink.put(chunk.records)
        self._checkpoints.save(moved, bytes(chunk.checks))
        return moved

    def _outcome(self, log: bytes, raw: RawLine) -> Counted | Reason:
        line = parse_line(decode_line(raw.content))
        if isinstance(line, Malformed):
            return Reason.MALFORMED
        if not is_plausible(line.at, self._now):
            return Reason.TIME
        reason = None if self._options.count_everything else classify(line)
        if reason is not None:
            return reason
        hit = hit_of(line, self._site.site_id)
        if hit is None:
            return Reason.INVALID
        client = Client(line.address, (line.user_agent or "")[:MAX_USER_AGENT])
        trusted = self._collector.collect(hit, client, event_id=event_id(log, raw), at=line.at)
        return Reason.INVALID if isinstance(trusted, Rejected) else Counted(line.at, trusted)

    def _report(self, reader: LineReader, before: Checkpoint, run: Tally) -> ImportReport:
        lines = reader.lines_read + (reader.rest is not None)
        skipped = min(self._options.from_line - 1, lines)
        imported = min(_lines_imported(before), lines)
        return ImportReport(skipped, max(imported - skipped, 0), run, before.tally.plus(run))


def hit_of(line: LogLine, site_id: str) -> Hit | None:
    """Return the page view that a line stands for; None when no hit can be like that."""
    try:
        return Hit(
            event_type="page_view",
            page_url=f"http://{site_id}{line.target}",
            referrer=line.referrer[:MAX_REFERRER] or None,
            timestamp=int(line.at.timestamp()),
        )
    except ValidationError:
        return None


def event_id(log: bytes, line: RawLine) -> UUID:
    """Return the id of a line's event. Equal lines of one log are different events.

    Args:
        log: SHA-256 of the log's first line.
        line: the line.
    """
    number = line.number.to_bytes(8, "big")
    digest = hashlib.sha256(log + number + line.content).digest()
    return UUID(bytes=digest[:16], version=5)


def _lines_imported(checkpoint: Checkpoint) -> int:
    return checkpoint.lines + checkpoint.rest_imported


def _moved(checkpoint: Checkpoint, chunk: _Chunk, reader: LineReader) -> Checkpoint:
    return replace(
        checkpoint,
        lines=reader.lines_read,
        digest=reader.digest(),
        rest_imported=False,
        tally=checkpoint.tally.plus(chunk.tally()),
    )


def _progress(source: LogSource, reader: LineReader, run: Tally) -> Progress:
    return Progress(reader.lines_read, run.counted, source.position, source.size)
