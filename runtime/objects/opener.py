"""Opens the objects of the engine that the settings are of."""

from typing import Literal

from runtime.objects.port import Objects
from runtime.settings import AwsSettings, EmbeddedSettings, Settings

Kind = Literal["archive", "dead-letters", "malformed", "spill"]
"""The raw archive; poison; hits refused for their form; records that wait for the stream."""


def objects(settings: Settings, kind: Kind) -> Objects:
    """Return the objects of a kind.

    Raises:
        UsageError: a setting is missing.
    """
    match settings:
        case EmbeddedSettings():
            from runtime.objects.folder import FolderObjects

            return FolderObjects(settings.data / kind)
        case AwsSettings():
            from runtime.objects.s3 import S3Objects

            return S3Objects(*_place(settings, kind))


def _place(settings: AwsSettings, kind: Kind) -> tuple[str, str]:
    """Return the bucket, and what begins the names of its objects."""
    match kind:
        case "archive":
            return settings.archive_bucket, ""
        case "spill":
            return settings.archive_bucket, "spill/"
        case "dead-letters":
            return settings.dead_letters_bucket, "records/"
        case "malformed":
            return settings.dead_letters_bucket, "malformed/"
