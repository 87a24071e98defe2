"""Builds the collector from the environment, once per container."""

import os
import secrets
from datetime import UTC, datetime
from functools import cache, partial

from ingest.intake import Collector
from ingest.log import SqliteEventLog
from ingest.token_keys import load_or_create
from liveinsight.runtime.settings import Settings
from liveinsight.runtime.sites.sqlite import SqliteSiteStore


@cache
def collector() -> Collector:
    """Return the collector on the embedded engine's adapters.

    Raises:
        UsageError: a setting is missing, or the key file cannot be used.
    """
    settings = Settings.from_env(os.environ)
    return Collector(
        sites=SqliteSiteStore(settings.sites_path),
        sink=SqliteEventLog(settings.stream_path, clock=partial(datetime.now, UTC)),
        token_keys=load_or_create(settings.token_keys_path, secrets.token_bytes(32)),
    )
