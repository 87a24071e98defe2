"""Opens the collector's own count of the engine that the settings are of."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.accepted.port import AcceptedCounts
from runtime.settings import EmbeddedSettings, Settings

if TYPE_CHECKING:
    from ingest.accepted.sqlite import SqliteAcceptedCounts


def accepted_counts(settings: Settings) -> AcceptedCounts | None:
    """Return the collector's own count.

    None on AWS: Kinesis acknowledges a record once three data centres have it, and nothing there is
    counted so exactly by site and day without a write for each request.
    """
    if isinstance(settings, EmbeddedSettings):
        return _embedded(settings.accepted_path)
    return None


@lru_cache(maxsize=8)  # all sinks of a process write it down together
def _embedded(path: Path) -> "SqliteAcceptedCounts":
    from ingest.accepted.sqlite import SqliteAcceptedCounts

    return SqliteAcceptedCounts(path)
