"""How what an installation on AWS stands on is: whether each table, bucket and key can be read."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial

from aggregates.stores.opener import events, minutes, rollups, visitors
from aggregates.stores.ports import VisitorKey
from ingest.tokens.opener import token_keys
from liveinsight.operations.health import Finding, Question, late, well
from runtime.objects.opener import objects
from runtime.settings import AwsName, AwsSettings
from runtime.sites.opener import sites

NO_DAY = date(1970, 1, 1)
NOBODY = "doctor"
"""No site, session or visitor: what is read is nothing, wherever it can be read."""


def questions(settings: AwsSettings) -> Iterator[Question]:
    """Give the questions to what the environment names."""
    places: dict[AwsName, Callable[[], object]] = {
        AwsName.SITES_TABLE: lambda: list(sites(settings).list()),
        AwsName.STATS_TABLE: lambda: rollups(settings).items(1, NOBODY, NO_DAY, NO_DAY),
        AwsName.SESSIONS_TABLE: lambda: visitors(settings).load([VisitorKey(1, NOBODY, b"0")]),
        AwsName.REALTIME_TABLE: lambda: minutes(settings).minutes(NOBODY, 0, 0),
        AwsName.EVENTS_TABLE: lambda: events(settings).session(NOBODY),
        AwsName.ARCHIVE_BUCKET: lambda: objects(settings, "archive").folders("records/"),
        AwsName.DEAD_LETTERS_BUCKET: lambda: objects(settings, "dead-letters").folders(""),
        AwsName.TOKEN_KEYS_PARAMETER: lambda: token_keys(settings),
    }
    for name, read in places.items():
        yield Question(name, partial(_readable, settings, name, read))
    yield Question(AwsName.STREAM_NAME, partial(_named, settings, AwsName.STREAM_NAME))


def _readable(
    settings: AwsSettings, name: AwsName, read: Callable[[], object]
) -> Iterator[Finding]:
    for found in _named(settings, name):
        if found.remedy:
            yield found
            return
    read()
    yield well(name, f"{settings.environ[name]} can be read")


def _named(settings: AwsSettings, name: AwsName) -> Iterator[Finding]:
    if settings.environ.get(name):
        yield well(name, settings.environ[name])
    else:
        yield late(
            name,
            "not looked at: the environment does not name it",
            f"set {name} to what Terraform's output says",
        )
