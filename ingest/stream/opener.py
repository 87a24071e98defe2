"""Opens the event stream of the engine that the settings are of."""

from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

from ingest.accepted.opener import accepted_counts
from ingest.stream.sink import CountingEventSink, CountingRequestSink, EventSink, RequestSink
from ingest.stream.spill import Spill, SpillingEventSink, Tally, spill_name
from runtime.objects.opener import objects
from runtime.settings import AwsSettings, EmbeddedSettings, Settings

PATIENCE = timedelta(seconds=5)
"""How long the embedded stream may be locked: behind it stands the spill, and a process must be
able to stop within 15 s."""


def event_sink(settings: Settings, *, impatient: bool = False) -> EventSink:
    """Return the end of the stream that takes records, and counts those accepted just now.

    Args:
        settings: of the engine.
        impatient: whether somebody else takes what the stream does not.

    Raises:
        UsageError: a setting is missing.
    """
    stream, counts = _stream(settings, impatient=impatient), accepted_counts(settings)
    return stream if counts is None else CountingEventSink(stream, counts)


def spill(settings: Settings) -> Spill:
    """Return the spill."""
    return Spill(objects(settings, "spill"))


def spilling_sink(settings: Settings, tally: Tally) -> RequestSink:
    """Return the stream with the spill behind it; `tally` counts the requests that went there."""
    spilling = SpillingEventSink(
        _stream(settings, impatient=True),
        spill(settings),
        lambda: spill_name(datetime.now(UTC), uuid4()),
        tally,
    )
    counts = accepted_counts(settings)
    return spilling if counts is None else CountingRequestSink(spilling, counts)


def _stream(settings: Settings, *, impatient: bool) -> EventSink:
    match settings:
        case EmbeddedSettings():
            from ingest.stream.sqlite import SqliteEventLog

            clock = partial(datetime.now, UTC)
            return SqliteEventLog(settings.stream_path, clock, patience=PATIENCE)
        case AwsSettings():
            from ingest.stream.kinesis import open_sink

            return open_sink(settings.stream_name, impatient=impatient)
