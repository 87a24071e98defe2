"""Does what is asked for on the dashboard, while the engine runs."""

import logging
from datetime import UTC, datetime
from threading import Event

from aggregates.stores.opener import reading
from liveinsight.engine.live import EmbeddedConsumer
from liveinsight.replay.attendant import LOOK_EVERY_SECONDS, Attendant
from liveinsight.replay.opener import rebuild_of
from liveinsight.replay.turning import Turning
from runtime.errors import LiveInsightError
from runtime.settings import EmbeddedSettings
from runtime.sites.opener import sites

logger = logging.getLogger(__name__)


def attend(settings: EmbeddedSettings, stop: Event) -> None:
    """Look for wishes until told to stop."""
    work = rebuild_of(settings, EmbeddedConsumer(settings))
    attendant = Attendant(sites(settings), work, Turning(work, reading(settings), _now), _now)
    while not stop.wait(LOOK_EVERY_SECONDS):
        try:
            attendant.look()
        except LiveInsightError as error:
            logger.warning("what is asked for cannot be read: %s", error)


def _now() -> datetime:
    return datetime.now(UTC)
