"""Builds the archive consumer, once per container."""

import os
from functools import cache

from aggregates.stores.sqlite import SqliteEventStore, tables
from liveinsight.runtime.settings import Settings
from processors.archive.processor import ArchiveProcessor
from processors.archive.store import FileArchiveStore
from processors.dead_letter import FileDeadLetterStore


@cache
def processor() -> ArchiveProcessor:
    """Return the processor on the embedded stores."""
    settings = Settings.from_env(os.environ)
    return ArchiveProcessor(
        archive=FileArchiveStore(settings.archive_path),
        events=SqliteEventStore(tables(settings.tables_path)),
        dead_letters=FileDeadLetterStore(settings.dead_letters_path),
    )
