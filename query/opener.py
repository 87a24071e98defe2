"""Opens the engine that answers from events, on the engine that the settings are of."""

from functools import lru_cache

from query.database import connect
from query.engine import QueryEngine
from query.library import FolderLibrary, Library
from query.scratch import own_folder
from runtime.errors import UsageError
from runtime.settings import AwsSettings, EmbeddedSettings, Settings

ON_AWS = "the columns of events are there on the embedded engine alone: use --data DIR"

THREADS = 2
"""Of the database: one question takes as many cores, several share them."""


def library(settings: Settings) -> Library:
    """Return the files of the columns of events.

    Raises:
        UsageError: this engine has none.
    """
    match settings:
        case EmbeddedSettings():
            return FolderLibrary(settings.columns_path)
        case AwsSettings():
            raise UsageError(ON_AWS)


def query_engine(settings: Settings) -> QueryEngine:
    """Return what answers from events: one for a process, with one memory for all questions.

    Raises:
        UsageError: this engine has no columns of events.
    """
    match settings:
        case EmbeddedSettings():
            return _embedded_engine(settings)
        case AwsSettings():
            raise UsageError(ON_AWS)


@lru_cache(maxsize=1)
def _embedded_engine(settings: EmbeddedSettings) -> QueryEngine:
    folder, scratch = settings.columns_path, own_folder(settings.scratch_path, "query")
    return QueryEngine(
        lambda: connect(settings.query_mb, THREADS, scratch, [folder]), FolderLibrary(folder)
    )
