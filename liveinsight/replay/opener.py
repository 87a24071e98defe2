"""Opens what a rebuild of the engine needs that the settings are of."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import gettempdir

from aggregates.stores.opener import rollups, seals, visitors
from ingest.stream.reader import StreamReader
from liveinsight.replay.catching_up import RebuildStores
from liveinsight.replay.rebuild import LiveConsumer, Rebuild
from processors.archive.store import ObjectArchiveStore
from processors.dead_letter import dead_letters
from processors.stats.processor import StatsStores
from runtime.objects.opener import objects
from runtime.settings import AwsSettings, EmbeddedSettings, Settings
from runtime.sites.opener import sites


def stream_reader(settings: Settings) -> StreamReader:
    """Return the end of the stream that gives records.

    Raises:
        UsageError: a setting is missing.
    """
    match settings:
        case EmbeddedSettings():
            from ingest.stream.sqlite import SqliteEventLog, SqliteStreamReader

            log = SqliteEventLog(settings.stream_path, lambda: datetime.now(UTC))
            return SqliteStreamReader(log)
        case AwsSettings():
            from liveinsight.replay.kinesis import open_reader

            return open_reader(settings.stream_name)


def rebuild_of(settings: Settings, consumer: LiveConsumer) -> Rebuild:
    """Return a rebuild.

    Args:
        settings: of the engine.
        consumer: of its live stream.
    """
    stores = RebuildStores(
        sites=sites(settings),
        stats=StatsStores(
            rollups=rollups(settings),
            seals=seals(settings),
            visitors=visitors(settings),
            dead_letters=dead_letters(settings),
        ),
        archive=ObjectArchiveStore(objects(settings, "archive")),
        stream=stream_reader(settings),
    )
    return Rebuild(stores, consumer, _folder(settings), lambda: datetime.now(UTC))


def _folder(settings: Settings) -> Path:
    """Return where to keep what is not finished."""
    if isinstance(settings, EmbeddedSettings):
        return settings.data / "rebuild"
    return Path(gettempdir()) / "liveinsight-rebuild"
