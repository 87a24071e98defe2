"""Builds the realtime consumer, once per container."""

import os
from functools import cache

from aggregates.stores.sqlite import SqliteMinuteStore, tables
from liveinsight.runtime.settings import Settings
from processors.dead_letter import FileDeadLetterStore
from processors.realtime.processor import RealtimeProcessor


@cache
def processor() -> RealtimeProcessor:
    """Return the processor on the embedded stores."""
    settings = Settings.from_env(os.environ)
    return RealtimeProcessor(
        minutes=SqliteMinuteStore(tables(settings.tables_path)),
        dead_letters=FileDeadLetterStore(settings.dead_letters_path),
    )
