"""Opens the writer of the columns of events, on the engine that the settings are of."""

from processors.columns.writer import ColumnsWriter
from query.database import connect
from query.opener import ON_AWS, library
from query.scratch import own_folder
from runtime.errors import UsageError
from runtime.objects.opener import objects
from runtime.settings import AwsSettings, EmbeddedSettings, Settings
from runtime.sites.opener import sites

THREADS = 1
"""It is in no hurry, and others count meanwhile."""


def columns_writer(settings: Settings) -> ColumnsWriter:
    """Return the writer.

    Raises:
        UsageError: this engine has no columns of events.
    """
    match settings:
        case EmbeddedSettings():
            scratch = settings.scratch_path / "columns"
            spill, folders = (
                own_folder(settings.scratch_path, "write"),
                [settings.columns_path, scratch],
            )
            return ColumnsWriter(
                objects(settings, "archive"),
                library(settings),
                lambda: connect(settings.query_mb, THREADS, spill, folders),
                scratch,
                sites(settings),
            )
        case AwsSettings():
            raise UsageError(ON_AWS)
