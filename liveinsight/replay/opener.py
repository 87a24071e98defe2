"""Opens what a rebuild of the engine needs that the settings are of."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import gettempdir

from aggregates.stores.opener import rollups, seals, visitors
from ingest.stream.opener import stream_reader
from liveinsight.replay.rebuild import LiveConsumer, Rebuild, RebuildStores
from processors.archive.store import ObjectArchiveStore
from processors.dead_letter import dead_letters
from processors.stats.processor import StatsStores
from runtime.objects.opener import objects
from runtime.settings import Settings
from runtime.sites.opener import sites


def rebuild_of(settings: Settings, consumer: LiveConsumer, folder: Path | None = None) -> Rebuild:
    """Return a rebuild.

    Args:
        settings: of the engine.
        consumer: of its live stream.
        folder: for what is not finished.
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
    return Rebuild(
        stores,
        consumer,
        folder or Path(gettempdir()) / "liveinsight-rebuild",
        lambda: datetime.now(UTC),
    )
