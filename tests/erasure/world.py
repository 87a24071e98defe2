"""Two sites with a stream, its consumers and all that they keep, on either engine."""

import json
import sqlite3
import zlib
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import UUID

import duckdb

from aggregates.progress import Position
from aggregates.rollup import Counters, Dimension, RowKey
from aggregates.stores.difference import days_of
from aggregates.stores.opener import events, heads, minutes, reading, rollups, seals, visitors
from aggregates.stores.sqlite import tables
from api.reconciliation.evidence import NoWitnesses
from api.reconciliation.query import ReconciliationQuery
from ingest.salts.opener import salts
from ingest.stream.sink import EventSink, SinkRecord
from ingest.stream.spill import Spill, spill_name
from liveinsight.engine.positions import Positions as EmbeddedPositions
from liveinsight.erasure.erasure import Erasure, Receipt
from liveinsight.erasure.opener import erasure_of
from liveinsight.erasure.stream import ErasableStream
from liveinsight.replay.opener import stream_reader
from liveinsight.replay.plan import Plan
from liveinsight.replay.share import Share, record_of
from processors.archive.chain import Chain
from processors.archive.container import decode_raw
from processors.archive.processor import ArchiveProcessor, ArchiveStores
from processors.archive.store import ObjectArchiveStore
from processors.archive.verify import verify
from processors.columns.opener import columns_writer
from processors.compaction.plan import Rules
from processors.compaction.processor import Compactor
from processors.dead_letter import dead_letters, malformed
from processors.erasure.selection import Selection
from processors.realtime.processor import RealtimeProcessor
from processors.record import Poison, Record
from processors.stats.processor import StatsProcessor, StatsStores
from runtime.objects.opener import objects
from runtime.settings import EmbeddedSettings, Settings
from runtime.sites.cache import SiteCache
from runtime.sites.opener import sites
from runtime.sites.site import Site
from schemas.event import (
    Context,
    Event,
    EventBatch,
    EventType,
    RejectedHit,
    decode_batch,
    encode_batch,
)
from tests import oracle

SITE, OTHER = "my-site-that-goes.example", "other.example"
VISITOR = bytes.fromhex("f00dfacecafe1234")
SESSION = "the-session-of-the-visitor"
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
DAYS = 3
CONSUMERS = ("archive", "realtime", "stats")


class World:
    """Args: settings: of the engine; sink: of its stream; rng: decides the traffic."""

    def __init__(self, settings: Settings, sink: EventSink, rng: Random) -> None:
        self.settings, self.sink, self.rng = settings, sink, rng
        self.sites = sites(settings)
        for site_id in (SITE, OTHER):
            self.sites.add(Site(site_id=site_id))
        self.reader = stream_reader(settings)
        self.sent: list[EventBatch] = []
        self.done = {consumer: dict[str, int]() for consumer in CONSUMERS}
        self.chain = Chain(objects(settings, "archive"))
        self.start()

    def start(self) -> None:
        """Begin the consumers anew."""
        settings, letters = self.settings, dead_letters(self.settings)
        directory = SiteCache(self.sites)
        archive = ArchiveStores(
            archive=ObjectArchiveStore(objects(settings, "archive"), heads(settings)),
            events=events(settings),
            ledger=rollups(settings),
            seals=seals(settings),
            dead_letters=letters,
            malformed=malformed(settings),
        )
        counted = StatsStores(rollups(settings), seals(settings), visitors(settings), letters)
        self.processors: dict[str, Any] = {
            "archive": ArchiveProcessor(directory, archive),
            "realtime": RealtimeProcessor(minutes(settings), letters),
            "stats": StatsProcessor(directory, counted),
        }

    def positions(self) -> Mapping[str, int] | None:
        return self.done["stats"]

    def paused(self) -> AbstractContextManager[None]:
        self.start()
        return nullcontext()

    def batch(self, site_id: str, visitor: bytes, at: datetime, hits: int = 1) -> EventBatch:
        moment = int(at.timestamp() * 1000)
        found = tuple(
            Event(
                event_id=UUID(int=self.rng.getrandbits(128)).bytes,
                event_type=EventType.PAGE_VIEW,
                occurred_at=moment - 1000 * number,
                session_id=SESSION if visitor == VISITOR else f"session-{visitor.hex()}",
                page=self.rng.choice(["/", "/a", "/b"]),
            )
            for number in range(hits)
        )
        refused = (RejectedHit("invalid", "page", '{"page": 5}'),) * self.rng.randrange(2)
        return EventBatch(
            site_id,
            visitor,
            moment,
            Context(browser="Firefox"),
            found,
            hits + len(refused),
            rejected=refused,
            session_id=found[0].session_id if refused else "",
        )

    def traffic(self, requests: int) -> list[EventBatch]:
        """Requests of a few visitors of both sites, over some days."""
        found = []
        for number in range(requests):
            age = timedelta(hours=24 * DAYS * (1 - number / requests))
            who = self.rng.choice([VISITOR, *(bytes(7) + bytes([one]) for one in (1, 2, 3))])
            site_id = SITE if who == VISITOR else self.rng.choice([SITE, SITE, OTHER])
            found.append(self.batch(site_id, who, NOW - age, self.rng.randint(1, 3)))
        return found

    def send(self, batches: Iterable[EventBatch]) -> None:
        for batch in batches:
            self.sent.append(batch)
            self.sink.put([record_with(batch)])

    def consume(self, consumers: Iterable[str] = CONSUMERS, batch: int = 6) -> None:
        for consumer in consumers:
            for shard in self.reader.shards():
                while found := self.reader.read(shard, self.done[consumer].get(shard, 0)):
                    for start in range(0, len(found), batch):
                        records = list(map(record_of, found[start : start + batch]))
                        self.processors[consumer].run(records, now=NOW)
                    self.advance(consumer, shard, found[-1].sequence_number)

    def take(self) -> Callable[[], None]:
        """Let each consumer take what is on the stream into its hands; return what it does then."""
        taken = [
            (consumer, shard, self.reader.read(shard, self.done[consumer].get(shard, 0)))
            for consumer in CONSUMERS
            for shard in self.reader.shards()
        ]

        def put() -> None:
            while taken:
                consumer, shard, found = taken.pop()
                if found:
                    self.processors[consumer].run(list(map(record_of, found)), now=NOW)
                    self.advance(consumer, shard, found[-1].sequence_number)

        return put

    def advance(self, consumer: str, shard: str, number: int) -> None:
        self.done[consumer][shard] = number
        if isinstance(self.settings, EmbeddedSettings):
            positions = EmbeddedPositions(tables(self.settings.tables_path))
            positions.advance(consumer, shard, number, now=NOW.timestamp())

    def stored(self, consumer: str) -> dict[str, int]:
        """Where a consumer of the embedded engine is."""
        assert isinstance(self.settings, EmbeddedSettings)
        positions = EmbeddedPositions(tables(self.settings.tables_path))
        return {shard: positions.get(consumer, shard) for shard in self.reader.shards()}

    @staticmethod
    def day(moment: int) -> date:
        """The day of a moment in UTC, where both sites are."""
        return datetime.fromtimestamp(moment / 1000, UTC).date()

    def state(self, site_id: str) -> str:
        """Whether the ledgers agree."""
        site = self.sites.get(site_id)
        assert site
        query = ReconciliationQuery(reading(self.settings), NoWitnesses())
        later = datetime.now(UTC) + timedelta(days=1)
        return str(query.document(site, date(2026, 5, 1), date(2026, 5, 5), later)["state"])

    def write_columns(self) -> None:
        """Write the columns of events, on the engine that has any."""
        if isinstance(self.settings, EmbeddedSettings):
            columns_writer(self.settings).run(lambda: NOW + timedelta(days=4))

    def compact(self) -> None:
        rules = Rules(most_bytes=2500, fewest_objects=2)
        Compactor(self.chain, rules, grace=timedelta(days=7)).run(now=NOW)

    def spill(self, batches: Iterable[EventBatch]) -> None:
        """One put of several records, which is not on the stream."""
        some = list(batches)
        name = spill_name(NOW, UUID(int=self.rng.getrandbits(128)))
        Spill(objects(self.settings, "spill")).put(name, list(map(record_with, some)))

    def inhabit(self, *, compacted: int, small: int, beside: str) -> None:
        """Put VISITOR in compacted and small files, letters, the spill, and on the stream.

        Args:
            compacted: records of traffic in compacted files.
            small: in small ones.
            beside: the site of another visitor in the spill.
        """
        self.send(self.traffic(compacted))
        self.consume()
        self.compact()
        self.write_columns()
        self.send(self.traffic(small))
        self.consume()
        self.poison(self.batch(SITE, VISITOR, NOW), 1)
        self.spill([self.batch(SITE, VISITOR, NOW), self.batch(beside, bytes(7) + b"1", NOW)])
        self.send([self.batch(SITE, VISITOR, NOW)])

    def poison(self, batch: EventBatch, number: int) -> None:
        record = record_with(batch)
        position = Position("shardId-gone-000000000000", number)
        moment = int(NOW.timestamp() * 1000)
        kept = Record(position, record.partition_key, moment, record.data)
        dead_letters(self.settings).put([Poison(kept, "tried")])

    def erasure(
        self, stream: ErasableStream, on_step: Callable[[str], object] = lambda _: None
    ) -> Erasure:
        def fold(paths: Sequence[Path], folded: Mapping[str, Site], plan: Plan) -> None:
            for number, path in enumerate(paths):
                archive = ObjectArchiveStore(objects(self.settings, "archive"))
                Share(path, number, plan, folded).run(archive, lambda _: None)

        return erasure_of(self.settings, stream, self, on_step, fold)

    def erase(
        self, stream: ErasableStream, selection: Selection, *, keep_totals: bool = False
    ) -> Receipt:
        with stream.alone():
            return self.erasure(stream).run(selection, keep_totals=keep_totals)

    def rows(self, site_id: str) -> oracle.Days:
        site = self.sites.get(site_id)
        assert site
        read = reading(self.settings)
        return {day: self._day(site, day) for day in days_of(read, site_id, [site.generation])}

    def _day(self, site: Site, day: date) -> dict[RowKey, Counters]:
        counted = reading(self.settings).days(site.generation, site.site_id, day, day)
        rows = {
            (dimension, value): counters
            for dimension in Dimension
            if dimension is not Dimension.INTAKE
            for value, counters in counted.table(dimension).items()
        }
        intake = sum((Counter(part.intake) for part in counted.parts.values()), Counter[str]())
        return rows | {
            (Dimension.INTAKE, name): Counters(events=count) for name, count in intake.items()
        }

    def expected(self, site_id: str, selection: Selection | None = None) -> oracle.Days:
        """What must be counted of a site once this is erased."""
        left = []
        for batch in self.sent:
            if batch.site_id != site_id:
                continue
            record = record_with(batch)
            erased = selection and selection.erase(record.partition_key, record.data, 0)
            if not erased:
                left.append(batch)
            elif erased.data is not None:
                left.append(decode_batch(erased.data))
        return oracle.count(left, "UTC")

    def problems(self) -> list[str]:
        known = heads(self.settings).heads()
        reports = [verify(self.chain, shard, known[shard]) for shard in self.chain.shards()]
        return [f"{one}" for one in reports if one.problem or one.lost]

    def has_salt(self, site_id: str) -> bool:
        day = date(2026, 5, 4)
        return salts(self.settings).salt(site_id, day, fresh=b"new", now=NOW) != b"new"


def record_with(batch: EventBatch) -> SinkRecord:
    return SinkRecord(f"{batch.site_id}/{batch.visitor_id[-1] % 2}", encode_batch(batch))


def traces(folder: Path, needles: Iterable[bytes]) -> list[str]:
    """Say in which files of a folder one of these is, as it is, packed or in base64."""
    wanted = list(needles)
    return sorted(
        {
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.is_file()
            for content in contents(path)
            if any(needle in content for needle in wanted)
        }
    )


def contents(path: Path) -> Iterator[bytes]:
    raw = path.read_bytes()
    yield raw
    yield from unpacked(path.name, raw)


def unpacked(name: str, raw: bytes) -> Iterator[bytes]:
    """Yield what a file holds in another form than its bytes show."""
    if name.endswith(".json"):
        yield from texts_of(json.loads(raw))
    if name.endswith(".avro"):
        for record in decode_raw(raw):
            yield from (
                one if isinstance(one, bytes) else str(one).encode() for one in record.values()
            )
    if name.endswith(".parquet"):
        yield from columns_of(raw)
    if name.endswith(".sqlite") and raw:
        yield from rows_of(raw)


def columns_of(raw: bytes) -> Iterator[bytes]:
    with NamedTemporaryFile(suffix=".parquet") as file, duckdb.connect() as database:
        file.write(raw)
        file.flush()
        for row in database.execute(f"FROM read_parquet('{file.name}')").fetchall():
            for value in row:
                match value:
                    case UUID():
                        yield value.bytes
                    case bool() | None:
                        pass
                    case int():
                        yield value.to_bytes(8, "big", signed=True)
                    case _:
                        yield str(value).encode()


def rows_of(raw: bytes) -> Iterator[bytes]:
    with closing(sqlite3.connect(":memory:")) as connection:
        if raw[18:20] == b"\x02\x02":  # in memory there is no log beside
            raw = raw[:18] + b"\x01\x01" + raw[20:]
        connection.deserialize(raw)
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in tables.fetchall():
            for row in connection.execute(f"SELECT * FROM {table}"):  # noqa: S608
                for value in row:
                    with suppress(zlib.error, TypeError):
                        yield zlib.decompress(value)


def texts_of(value: Any) -> Iterator[bytes]:
    match value:
        case dict():
            for inner in value.values():
                yield from texts_of(inner)
        case list():
            for inner in value:
                yield from texts_of(inner)
        case str():
            with suppress(ValueError):
                yield b64decode(value, validate=True)


def of_visitor(batches: Iterable[EventBatch]) -> list[bytes]:
    """What names the visitor: the id in each form, the session, the events' ids."""
    ids = [
        event.event_id
        for batch in batches
        if batch.visitor_id == VISITOR and batch.site_id == SITE
        for event in batch.events
    ]
    return [VISITOR, VISITOR.hex().encode(), VISITOR.hex().upper().encode(), *ids]


Rows = Mapping[RowKey, Counters]
