"""Imports a web server's access log: each line that counts becomes one event of its own time.

The events go through the collector's rules, the stream and the consumers. Running an import twice,
or again after a crash, counts each line once:

- the events of a line always have the same id and the same visitor;
- which lines are imported is noted, durably, after the stream has acknowledged a chunk of them, so
  only the last chunk can be sent twice;
- a chunk is so small that the consumers recognise all of it (`ChunkLimit`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from ingest.stream.sink import EventSink, SinkRecord
from liveinsight.imports.access_log import LogLine, Malformed, Reason, classify
from liveinsight.imports.checkpoint import ImportCheckpoints
from liveinsight.imports.formats.detection import Asked, log_format
from liveinsight.imports.formats.fields import decode_line, is_private
from liveinsight.imports.formats.port import LogFormat
from liveinsight.imports.hosts import Hosts
from liveinsight.imports.imported_lines import HASH_LENGTH, ImportedLines
from liveinsight.imports.log_source import Followed, LogSource, RawLine
from liveinsight.imports.options import ImportOptions, Tally
from liveinsight.imports.page_views import PageView, PageViews, event_id, line_digest
from liveinsight.imports.trusted import EARLIEST, EPOCH, MOST_AHEAD, ChunkLimit
from runtime.errors import UsageError
from runtime.sites.site import Site

MILLISECOND = timedelta(milliseconds=1)
CHUNK_LINES = 2000
"""What waits for one commit, at most."""
MOST_KNOWN = 5000
"""Lines that were imported before, between two looks at what is kept of them in memory."""
MOST_MALFORMED = 3
"""Lines that cannot be read of which a report shows the first ones."""
SHOWN = 100
MANY = 50
"""Page views from which on it says something that all have one address."""


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
    """Lines that earlier runs have imported."""
    run: Tally
    """What came out of the lines of this run."""
    format: str = ""
    """What the log was taken for."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """What was taken for what."""
    malformed: tuple[str, ...] = ()
    """The first lines that cannot be read: number, what is wrong, and how they begin."""
    notes: tuple[str, ...] = ()
    """What whoever reads the numbers should know."""

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

    def plus(self, other: "ImportReport") -> "ImportReport":
        """Return both in one."""
        return replace(
            other,
            skipped=self.skipped + other.skipped,
            already_imported=self.already_imported + other.already_imported,
            run=self.run.plus(other.run),
            malformed=(*self.malformed, *other.malformed)[:MOST_MALFORMED],
            notes=tuple(dict.fromkeys((*self.notes, *other.notes))),
        )


@dataclass(slots=True)
class _Chunk:
    """Lines on their way to the stream and into the checkpoint."""

    limit: ChunkLimit = field(default_factory=lambda: ChunkLimit(most=CHUNK_LINES))
    records: list[SinkRecord] = field(default_factory=list)
    left_out: Counter[Reason] = field(default_factory=Counter)
    days: Counter[date] = field(default_factory=Counter)
    known: int = 0
    first_at: int | None = None
    last_at: int | None = None

    def count(self, view: PageView, at: int) -> None:
        """Take a line that counts."""
        self.limit.add(view.visitor_id)
        self.records.append(view.record)
        self.days[view.day] += 1
        self.first_at = at if self.first_at is None else min(self.first_at, at)
        self.last_at = at if self.last_at is None else max(self.last_at, at)

    def leave_out(self, reason: Reason) -> None:
        """Take a line that does not."""
        self.limit.add()
        self.left_out[reason] += 1

    def tally(self) -> Tally:
        """Return what came out of the lines."""
        return Tally(
            counted=len(self.records),
            left_out=dict(self.left_out),
            per_day=dict(self.days),
            first_at=None if self.first_at is None else EPOCH + self.first_at * MILLISECOND,
            last_at=None if self.last_at is None else EPOCH + self.last_at * MILLISECOND,
        )


def ignore_progress(_: Progress) -> None:
    """Show nothing."""


class Importer:
    """Imports logs.

    Args:
        hosts: which site a line belongs to.
        sink: the stream.
        checkpoints: what has been imported.
        options: which lines count.
        now: the time; what a line says of the future is none of its visitors' doing.
    """

    def __init__(
        self,
        hosts: Hosts,
        sink: EventSink,
        checkpoints: ImportCheckpoints,
        options: ImportOptions,
        *,
        now: datetime,
    ) -> None:
        self._hosts = hosts
        self._sink = sink
        self._checkpoints = checkpoints
        self._options = options
        self._earliest = (EARLIEST - EPOCH) // MILLISECOND
        self._latest = (now + MOST_AHEAD - EPOCH) // MILLISECOND
        self._views: dict[str, PageViews] = {}

    def run(
        self,
        source: LogSource,
        asked: Asked | None = None,
        *,
        from_line: int = 1,
        on_progress: OnProgress = ignore_progress,
    ) -> ImportReport:
        """Import what has not been imported of a log. Safe to repeat, also after an error.

        The last line is read also when it has no line feed. If it could be read, what is added to
        it later is passed over; if not, it is left to the next run.

        Args:
            source: the log.
            asked: what is known of its format.
            from_line: the first line to look at.
            on_progress: told how far the run is.

        Raises:
            UsageError: the log cannot be read, was imported with other options, or another
                import is running.
            RetryableError: the stream or the checkpoints could not be written.
        """
        sample = source.sample()
        if not sample:
            return ImportReport(0, 0, Tally())
        form = log_format(sample, asked or Asked(client_field=self._options.client_field))
        self._hosts.learn(form, sample)
        with self._checkpoints.locked(), self._reading(form, source.name) as log:
            reader = source.read()
            for line in reader:
                log.take(line, is_wanted=line.number >= from_line)
                if log.flush():
                    done = reader.lines_read, log.run.counted
                    on_progress(Progress(*done, source.position, source.size))
            log.flush(now=True)
            if reader.rest is not None and reader.rest.number >= from_line:
                log.take_rest(reader.rest)
            lines = reader.lines_read + (reader.rest is not None)
            on_progress(Progress(lines, log.run.counted, source.size, source.size))
        return log.report(min(from_line - 1, lines))

    def follow(
        self, lines: Followed, form: LogFormat, name: str, wait: Callable[[], bool]
    ) -> ImportReport:
        """Import a log, and what is added to it, until `wait` says that it is enough.

        Args:
            lines: of the log.
            form: what reads it.
            name: of the log, as its user knows it.
            wait: waits for a moment; false: no more.
        """
        with self._checkpoints.locked():
            report = ImportReport(0, 0, Tally())
            while True:
                with self._reading(form, name) as log:
                    goes_on = self._follow(lines, log, wait)
                report = report.plus(log.report(0))
                if not goes_on:
                    return report

    def _follow(
        self, lines: Iterable[RawLine | None], log: "_Log", wait: Callable[[], bool]
    ) -> bool:
        for line in lines:
            if line is not None:
                log.take(line)
                log.flush()
                continue
            log.flush(now=True)
            if not wait():
                return False
        log.flush(now=True)
        return True

    @contextmanager
    def _reading(self, form: LogFormat, name: str) -> Iterator["_Log"]:
        log = _Log(self, form, name)
        yield log
        log.close()

    def lines_of(self, site: Site, name: str) -> ImportedLines:
        """Begin to ask which lines of a log have been imported into a site."""
        return self._checkpoints.lines(site.site_id, self._options, name)

    def site_of(self, host: str) -> Site | None:
        """Return the site that a line belongs to, by its virtual host; None: to none."""
        return self._hosts.site(host)

    @property
    def notes(self) -> tuple[str, ...]:
        """What whoever reads the numbers should know of the hosts."""
        alias = self._hosts.alias
        what = (
            f"all lines name the host {alias}, which is none of the site's: they count as its own"
        )
        return (what,) if alias else ()

    def is_plausible(self, at: int) -> bool:
        """Say whether something can have happened at a time."""
        return self._earliest <= at <= self._latest

    def reason(self, line: LogLine) -> Reason | None:
        """Say why a line does not count; None: it does."""
        return None if self._options.count_everything else classify(line)

    def page_view(self, site: Site, line: LogLine, identity: bytes) -> PageView | None:
        """Return the event of a line that counts; None: it is invalid."""
        views = self._views.get(site.site_id)
        if views is None:
            views = self._views[site.site_id] = PageViews(site, keep_query=self._options.keep_query)
        return views.of(line, identity)

    def put(self, records: list[SinkRecord]) -> None:
        """Put events on the stream."""
        if records:
            self._sink.put(records)


class _Log:
    """One log while it is read: its lines, and what became of them."""

    def __init__(self, importer: Importer, form: LogFormat, name: str) -> None:
        self._importer, self._form, self._name = importer, form, name
        self._lines: dict[str, ImportedLines] = {}
        self._chunk = _Chunk()
        self._malformed: list[str] = []
        self._addresses: set[str] = set()
        self._known = 0
        self.run = Tally()

    def take(self, raw: RawLine, *, is_wanted: bool = True) -> Reason | None:
        """Read a line, and count it if it counts; return why it does not."""
        line = self._form.parse(decode_line(raw.content))
        if not is_wanted:
            return None
        reason = self._reason(raw, line)
        if reason is not None:
            self._chunk.leave_out(reason)
        return reason

    def take_rest(self, raw: RawLine) -> None:
        """Read a last line that has no end, of which perhaps only half has been written."""
        if self.take(raw) is not Reason.MALFORMED:
            for lines in self._lines.values():
                lines.note_cut(raw.content)
        self.flush(now=True)

    def flush(self, *, now: bool = False) -> bool:
        """Send a chunk that is full, then note it: in this order a crash loses nothing."""
        chunk = self._chunk
        is_full = chunk.limit.reached or chunk.known >= MOST_KNOWN
        if not (is_full or (now and (chunk.limit.size or chunk.known))):
            return False
        self._importer.put(chunk.records)
        for lines in self._lines.values():
            lines.save()
        self.run = self.run.plus(chunk.tally())
        self._known += chunk.known
        self._chunk = _Chunk()
        return True

    def close(self) -> None:
        """End the reading."""
        for lines in self._lines.values():
            lines.close()

    def report(self, skipped: int) -> ImportReport:
        """Return what came of all lines."""
        return ImportReport(
            skipped=skipped,
            already_imported=self._known,
            run=self.run,
            format=self._form.name,
            roles=dict(self._form.roles),
            malformed=tuple(self._malformed),
            notes=self._notes(),
        )

    def _reason(self, raw: RawLine, line: LogLine | Malformed | None) -> Reason | None:
        if not isinstance(line, LogLine):
            return self._unreadable(raw, line)
        if not self._importer.is_plausible(line.at):
            return Reason.TIME
        site = self._importer.site_of(line.host)
        return Reason.OTHER_HOST if site is None else self._of_site(raw, line, site)

    def _of_site(self, raw: RawLine, line: LogLine, site: Site) -> Reason | None:
        importer = self._importer
        lines = self._lines.get(site.site_id)
        if lines is None:
            lines = self._lines[site.site_id] = importer.lines_of(site, self._name)
        content = raw.content[line.start :] if line.start else raw.content
        digest = line_digest(content)
        number = lines.number(content, digest[:HASH_LENGTH], line.at)
        if number is None:
            self._chunk.known += 1
            return None
        reason = importer.reason(line)
        if reason is not None:
            return reason
        view = importer.page_view(site, line, event_id(digest, number))
        if view is None:
            return Reason.INVALID
        self._chunk.count(view, line.at)
        if len(self._addresses) < 2:  # noqa: PLR2004 - whether it is one
            self._addresses.add(line.address)
        return None

    def _unreadable(self, raw: RawLine, line: Malformed | None) -> Reason:
        if line is None:
            return Reason.HEADER
        if len(self._malformed) < MOST_MALFORMED:
            shown = decode_line(raw.content[:SHOWN])
            self._malformed.append(f"line {raw.number:,}, {line.part}: {shown}")
        return Reason.MALFORMED

    def _notes(self) -> tuple[str, ...]:
        return (*self._importer.notes, *self._of_addresses())

    def _of_addresses(self) -> tuple[str, ...]:
        if self.run.counted < MANY or len(self._addresses) != 1:
            return ()
        (address,) = self._addresses
        why = (
            "it is a proxy's: say which field is the client's with --client-field"
            if is_private(address)
            else "if it is a proxy's, say which field is the client's with --client-field"
        )
        return (f"all visitors share one address, {address}; {why}",)


__all__ = ["ImportReport", "Importer", "Progress", "UsageError", "ignore_progress"]
