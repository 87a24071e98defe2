"""The process that writes the columns of events.

It is apart from the consumers, whose time it must not take when it has a whole archive before it.
"""

import logging
import time
from datetime import UTC, datetime, timedelta
from threading import Event

from processors.archive.container import BrokenArchiveError
from processors.columns.opener import columns_writer
from processors.columns.writer import ColumnsWriter
from runtime.errors import RetryableError, UsageError
from runtime.settings import EmbeddedSettings

logger = logging.getLogger(__name__)

EVERY = timedelta(seconds=20)
"""How often it looks for new records; the archive has them a minute after they came at most."""

MERGED_EVERY = timedelta(minutes=5)
"""How often it looks for what is to be merged or erased, where nothing is new."""


def write_columns(settings: EmbeddedSettings, stop: Event) -> None:
    """Write the columns of events until told to stop.

    What goes wrong is logged, once, and tried again: nothing else depends on it.
    """
    writer, told, worked_at = columns_writer(settings), "", float("-inf")
    while True:
        try:
            is_due = time.monotonic() - worked_at > MERGED_EVERY.total_seconds()
            if is_due or writer.behind():
                _run(writer, stop)
                worked_at = time.monotonic()
            told = ""
        except (RetryableError, BrokenArchiveError, UsageError, OSError) as error:
            if str(error) != told:
                logger.warning("the columns of events are not written: %s", error)
            told = str(error)
        if stop.wait(EVERY.total_seconds()):
            return


def _run(writer: ColumnsWriter, stop: Event) -> None:
    outcome = writer.run(lambda: datetime.now(UTC), stopped=stop.is_set)
    if outcome.made_anew:
        logger.warning("the columns of events were not those of this archive: they are made anew")
