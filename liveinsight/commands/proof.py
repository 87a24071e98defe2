"""Opens the witnesses of an engine: all that the environment names."""

from aggregates.stores.opener import heads
from api.reconciliation.evidence import Witnesses
from ingest.stream.opener import spill
from liveinsight.engine.witnesses import embedded_parts
from liveinsight.evidence.witnesses import AllWitnesses, Parts
from liveinsight.replay.backlog import ArchiveBacklog
from liveinsight.replay.opener import stream_reader
from processors.archive.chain import Chain
from processors.dead_letter import dead_letters
from runtime.objects.opener import objects
from runtime.settings import AwsName, AwsSettings, EmbeddedSettings, Settings


def witnesses(settings: Settings) -> Witnesses:
    """Return the witnesses of an engine, who look at the archive file by file."""
    return AllWitnesses(parts(settings))


def parts(settings: Settings) -> Parts:
    """Return what can be asked.

    Raises:
        UsageError: a setting is missing.
    """
    match settings:
        case EmbeddedSettings():
            return embedded_parts(settings, is_thorough=True)
        case AwsSettings():
            return _on_aws(settings)


def _on_aws(settings: AwsSettings) -> Parts:
    """Return those whose place is named: a user may have the right to read a table alone."""
    known = heads(settings)
    has_bucket = AwsName.ARCHIVE_BUCKET in settings.environ
    has_stream = AwsName.STREAM_NAME in settings.environ
    has_letters = AwsName.DEAD_LETTERS_BUCKET in settings.environ
    return Parts(
        heads=known,
        spill=spill(settings) if has_bucket else None,
        backlog=ArchiveBacklog(stream_reader(settings), known) if has_stream else None,
        letters=dead_letters(settings) if has_letters else None,
        archive=Chain(objects(settings, "archive")) if has_bucket else None,
        is_thorough=has_bucket,
    )
