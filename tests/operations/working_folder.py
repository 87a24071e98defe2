"""A data folder on which collector and consumers work, one step at a time."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID

from aggregates.rollup import Dimension
from aggregates.stores.opener import events, reading, rollups, seals, visitors
from aggregates.stores.sqlite import tables
from ingest.stream.sink import SinkRecord
from liveinsight.engine.consumer import open_log
from liveinsight.engine.mapping import kinesis_event
from liveinsight.engine.positions import Positions
from processors.archive.chain import Chain
from processors.archive.processor import ArchiveProcessor, ArchiveStores
from processors.archive.store import ObjectArchiveStore
from processors.compaction.plan import Rules
from processors.compaction.processor import Compactor
from processors.dead_letter import dead_letters, malformed
from processors.record import records_of
from processors.stats.processor import StatsProcessor, StatsStores
from runtime.objects.opener import objects
from runtime.settings import EmbeddedSettings
from runtime.sites.cache import SiteCache
from runtime.sites.opener import sites
from runtime.sites.site import Site
from schemas.event import Context, Event, EventBatch, EventType, decode_batch, encode_batch

SITE = "my.site"
AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
BATCH = 7


class WorkingFolder:
    """Args: data: the folder, new or not."""

    def __init__(self, data: Path, rng: Random) -> None:
        self.settings, self._rng = EmbeddedSettings(data), rng
        sites(self.settings).add(Site(site_id=SITE))
        self._log, self._positions = (
            open_log(self.settings),
            Positions(tables(self.settings.tables_path)),
        )
        directory, letters = SiteCache(sites(self.settings)), dead_letters(self.settings)
        archive = ArchiveStores(
            archive=ObjectArchiveStore(objects(self.settings, "archive")),
            events=events(self.settings),
            ledger=rollups(self.settings),
            seals=seals(self.settings),
            dead_letters=letters,
            malformed=malformed(self.settings),
        )
        counted = StatsStores(
            rollups(self.settings), seals(self.settings), visitors(self.settings), letters
        )
        self._processors: dict[str, ArchiveProcessor | StatsProcessor] = {
            "archive": ArchiveProcessor(directory, archive),
            "stats": StatsProcessor(directory, counted),
        }

    def collect(self, requests: int) -> None:
        """Put page views of a few visitors on the stream."""
        for _ in range(requests):
            visitor = self._rng.randrange(5)
            at = int((AT + timedelta(minutes=self._rng.randrange(90))).timestamp() * 1000)
            view = Event(
                event_id=UUID(int=self._rng.getrandbits(128)).bytes,
                event_type=EventType.PAGE_VIEW,
                occurred_at=at,
                session_id="session-a",
                page=self._rng.choice(["/", "/a", "/b"]),
            )
            batch = EventBatch(SITE, visitor.to_bytes(8, "big"), at, Context(), (view,))
            self._log.put([SinkRecord(f"{SITE}/{visitor % 2}", encode_batch(batch))])

    def consume(
        self, consumers: Iterable[str] = ("archive", "stats"), batches: int = 10**9
    ) -> None:
        """Let consumers do some batches of each shard."""
        for consumer in consumers:
            for shard in self._log.shards():
                for _ in range(batches):
                    done = self._positions.get(consumer, shard)
                    found = self._log.read(shard, after=done, limit=BATCH)
                    if not found:
                        break
                    records = records_of(kinesis_event(shard, found))
                    self._processors[consumer].run(records, now=AT)
                    self._positions.advance(
                        consumer, shard, found[-1].sequence_number, now=AT.timestamp()
                    )

    def compact(self) -> None:
        """Merge what there is of the archive, and delete what was merged before."""
        chain = Chain(objects(self.settings, "archive"))
        rules = Rules(most_bytes=1500, fewest_objects=2)
        Compactor(chain, rules, grace=timedelta(0)).run(now=datetime.now(UTC) + timedelta(days=1))

    def on_stream(self) -> list[EventBatch]:
        return [
            decode_batch(one.data)
            for shard in self._log.shards()
            for one in self._log.read(shard, after=0, limit=10**6)
        ]

    def archived_ids(self) -> Counter[bytes]:
        store = ObjectArchiveStore(objects(self.settings, "archive"))
        return Counter(
            event.event_id
            for shard in store.shards()
            for one in store.records(shard)
            for event in decode_batch(one.data).events
        )

    def pages(self) -> dict[str, tuple[int, int]]:
        """Pageviews and visitors of each page of the day, as they are read."""
        counted = reading(self.settings).days(1, SITE, date(2026, 5, 4), date(2026, 5, 4))
        table = counted.table(Dimension.PAGE)
        return {page: (row.pageviews, row.visitors) for page, row in table.items()}


def pages_of(batches: Iterable[EventBatch]) -> dict[str, tuple[int, int]]:
    """What `WorkingFolder.pages` must say, counted plainly."""
    views: Counter[str] = Counter()
    people: dict[str, set[bytes]] = {}
    for batch in batches:
        for event in batch.events:
            views[event.page] += 1
            people.setdefault(event.page, set()).add(batch.visitor_id)
    return {page: (count, len(people[page])) for page, count in views.items()}


def ids_of(batches: Iterable[EventBatch]) -> Counter[bytes]:
    return Counter(event.event_id for batch in batches for event in batch.events)
