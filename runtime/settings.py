"""Settings that a function reads from its environment. Each is described in docs/settings.md.

`LIVEINSIGHT_ENGINE` says which engine holds the data, and so which settings there are. Whoever
needs a store gives them to its opener, and knows no engine.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from runtime.errors import UsageError


class Variable(StrEnum):
    """An environment variable that sets something, wherever it is read."""

    ENGINE = "LIVEINSIGHT_ENGINE"
    DATA = "LIVEINSIGHT_DATA"
    CACHE_MB = "LIVEINSIGHT_CACHE_MB"
    QUERY_MB = "LIVEINSIGHT_QUERY_MB"
    READ_KEY = "LIVEINSIGHT_READ_KEY"
    TRUSTED_PROXIES = "LIVEINSIGHT_TRUSTED_PROXIES"
    CLIENT_HEADER = "LIVEINSIGHT_CLIENT_HEADER"
    PUBLIC_ONLY = "LIVEINSIGHT_PUBLIC_ONLY"
    ORIGIN_DIGESTS = "LIVEINSIGHT_ORIGIN_DIGESTS"
    STATS_FUNCTION = "STATS_FUNCTION"
    WRITE_VERSIONS = "LIVEINSIGHT_WRITE_VERSIONS"
    TRACKER_PATH = "LIVEINSIGHT_TRACKER_PATH"
    CLIENT_RATE = "LIVEINSIGHT_CLIENT_RATE"
    SITE_RATE = "LIVEINSIGHT_SITE_RATE"

    METRICS_DISABLED = "POWERTOOLS_METRICS_DISABLED"
    LOG_LEVEL = "POWERTOOLS_LOG_LEVEL"
    SERVICE_NAME = "POWERTOOLS_SERVICE_NAME"


class AwsName(StrEnum):
    """An environment variable that holds the name of something on AWS."""

    SITES_TABLE = "SITES_TABLE"
    SALTS_TABLE = "SALTS_TABLE"
    STREAM_NAME = "STREAM_NAME"
    TOKEN_KEYS_PARAMETER = "TOKEN_KEYS_PARAMETER"  # noqa: S105 - no secret
    ARCHIVE_BUCKET = "ARCHIVE_BUCKET"
    EVENTS_TABLE = "EVENTS_TABLE"
    REALTIME_TABLE = "REALTIME_TABLE"
    STATS_TABLE = "STATS_TABLE"
    SESSIONS_TABLE = "SESSIONS_TABLE"
    DEAD_LETTERS_BUCKET = "DEAD_LETTERS_BUCKET"


MEGABYTES = re.compile(r"[0-9]{1,5}", re.ASCII)
AWS_NAME = re.compile(r"[A-Za-z0-9_./:-]{1,2048}")
"""What names something on AWS has no other characters, be it an ARN or the path of a parameter."""


def without_end() -> float:
    """Return how many seconds are left where nothing ends: more than any."""
    return math.inf


CACHE_MB = 64
MOST_CACHE_MB = 65536
MEGABYTE = 1024 * 1024


def cache_bytes_from(environ: Mapping[str, str]) -> int:
    """Read how many bytes of memory a process may keep of what it has read of rollups.

    Raises:
        UsageError: it is no number of megabytes.
    """
    return _megabytes(environ, Variable.CACHE_MB, CACHE_MB, least=0) * MEGABYTE


QUERY_MB = 512
LEAST_QUERY_MB = 64


def query_mb_from(environ: Mapping[str, str]) -> int:
    """Read how many megabytes of memory DuckDB takes at most in a process.

    Raises:
        UsageError: it is no number of megabytes, or too few.
    """
    return _megabytes(environ, Variable.QUERY_MB, QUERY_MB, least=LEAST_QUERY_MB)


def _megabytes(environ: Mapping[str, str], name: Variable, default: int, least: int) -> int:
    text = environ.get(name, str(default))
    if not (MEGABYTES.fullmatch(text) and least <= int(text) <= MOST_CACHE_MB):
        raise UsageError(
            f"{name} is {text!a}: set it to a number of megabytes from {least} to {MOST_CACHE_MB}"
        )
    return int(text)


WriteVersions = tuple[tuple[str, int], ...]
"""Names of schemas, and which version of each is to be written."""

WRITE_VERSION = re.compile(r"([a-z_]{1,40})=([0-9]{1,5})", re.ASCII)


def write_versions(text: str) -> WriteVersions:
    """Read which versions of schemas are to be written, as in `event_batch=2,seal=1`.

    Raises:
        UsageError: it is written otherwise.
    """
    matches = [WRITE_VERSION.fullmatch(part.strip()) for part in text.split(",") if part.strip()]
    if not all(matches):
        raise UsageError(
            f"{Variable.WRITE_VERSIONS} is {text!a}: write it as event_batch=2, and several with"
            " commas between them"
        )
    return tuple((match[1], int(match[2])) for match in matches if match)


PATH = re.compile(r"(?:/[A-Za-z0-9_.-]{1,64}){1,8}", re.ASCII)


def tracker_path_from(environ: Mapping[str, str]) -> str:
    """Read where the tracker is served besides its usual place; the API is beside it.

    Raises:
        UsageError: it is no path.
    """
    text = environ.get(Variable.TRACKER_PATH, "")
    if text and not PATH.fullmatch(text):
        raise UsageError(
            f"{Variable.TRACKER_PATH} is {text!a}: set it to a path such as /s/page.js"
        )
    return text


CLIENT_RATE, SITE_RATE = 200, 20_000
"""Requests and events a second: an office behind one address, and more than a site was ever seen to
send."""
RATE = re.compile(r"[0-9]{1,9}", re.ASCII)


def rate_from(environ: Mapping[str, str], variable: Variable, usual: int) -> int:
    """Read how many requests and events a second somebody may send; 0: as many as come.

    Raises:
        UsageError: it is no number.
    """
    text = environ.get(variable, str(usual))
    if not RATE.fullmatch(text):
        raise UsageError(f"{variable} is {text!a}: set it to a number a second, or 0 for no limit")
    return int(text)


@dataclass(frozen=True, slots=True)
class EmbeddedSettings:
    """Where the embedded engine keeps its data."""

    data: Path
    """LIVEINSIGHT_DATA: folder of the embedded engine."""
    cache_bytes: int = CACHE_MB * MEGABYTE
    """LIVEINSIGHT_CACHE_MB: of memory, for what a process has read of rollups."""
    write_versions: WriteVersions = ()
    """LIVEINSIGHT_WRITE_VERSIONS: versions of schemas that are not those of the code."""
    query_mb: int = QUERY_MB
    """LIVEINSIGHT_QUERY_MB: of memory, for DuckDB."""
    tracker_path: str = ""
    """LIVEINSIGHT_TRACKER_PATH: where the tracker is served as well, with the API beside it."""
    client_rate: int = CLIENT_RATE
    """LIVEINSIGHT_CLIENT_RATE: requests and events that a client may send in a second; 0: any."""
    site_rate: int = SITE_RATE
    """LIVEINSIGHT_SITE_RATE: events that a site may be sent in a second; 0: any number."""
    trusted_proxies: str = ""
    """LIVEINSIGHT_TRUSTED_PROXIES: as it is written."""
    client_header: str = ""
    """LIVEINSIGHT_CLIENT_HEADER: as it is written."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "EmbeddedSettings":
        """Read the settings.

        Raises:
            UsageError: a setting is missing or cannot be used.
        """
        data = environ.get(Variable.DATA, "")
        if not data:
            raise UsageError(f"{Variable.DATA} is not set: name the folder of the embedded engine")
        versions = write_versions(environ.get(Variable.WRITE_VERSIONS, ""))
        return cls(
            Path(data),
            cache_bytes_from(environ),
            versions,
            query_mb_from(environ),
            tracker_path_from(environ),
            rate_from(environ, Variable.CLIENT_RATE, CLIENT_RATE),
            rate_from(environ, Variable.SITE_RATE, SITE_RATE),
            environ.get(Variable.TRUSTED_PROXIES, ""),
            environ.get(Variable.CLIENT_HEADER, ""),
        )

    @property
    def environ(self) -> dict[str, str]:
        """The variables that say which engine holds the data, and where."""
        return {Variable.ENGINE: "embedded", Variable.DATA: str(self.data)}

    @property
    def stream_path(self) -> Path:
        """The event stream's log."""
        return self.data / "stream.sqlite"

    @property
    def witness_path(self) -> Path:
        """How far the event stream has been shown to consumers."""
        return self.data / "shown.sqlite"

    @property
    def accepted_path(self) -> Path:
        """What was accepted, by the collector's own count."""
        return self.data / "accepted.sqlite"

    @property
    def tables_path(self) -> Path:
        """Rollups, visitor states, raw events, consumer positions."""
        return self.data / "tables.sqlite"

    @property
    def address_path(self) -> Path:
        """Where the engine answers, as a URL, while it runs."""
        return self.data / "address"

    @property
    def consumer_lock_path(self) -> Path:
        """Held by the consumer process that works."""
        return self.data / "consumer.lock"

    @property
    def sites_path(self) -> Path:
        """Site settings."""
        return self.data / "sites.sqlite"

    @property
    def salts_path(self) -> Path:
        """Salts of visitor ids. No backup has them."""
        return self.data / "salts.sqlite"

    @property
    def token_keys_path(self) -> Path:
        """File of the keys that sign CSRF tokens."""
        return self.data / "token-keys.json"

    @property
    def columns_path(self) -> Path:
        """Folder of the columns of events."""
        return self.data / "columns"

    @property
    def scratch_path(self) -> Path:
        """Folder of what DuckDB has no memory for, while it works."""
        return self.data / "scratch"

    @property
    def imports_path(self) -> Path:
        """Folder of the import checkpoints."""
        return self.data / "imports"

    @property
    def import_checkpoints_path(self) -> Path:
        """The import checkpoints."""
        return self.imports_path / "checkpoints.sqlite"


@dataclass(frozen=True, slots=True)
class AwsSettings:
    """The names of what the functions use on AWS. Each function needs only those it asks for.

    Reading one raises UsageError where its variable is not set, or is no name.
    """

    environ: Mapping[str, str]
    remaining: Callable[[], float] = without_end
    """How many seconds the invocation has left; writes heed it."""

    @property
    def cache_bytes(self) -> int:
        """LIVEINSIGHT_CACHE_MB: of memory, for what a process has read of rollups."""
        return cache_bytes_from(self.environ)

    @property
    def write_versions(self) -> WriteVersions:
        """LIVEINSIGHT_WRITE_VERSIONS: versions of schemas that are not those of the code."""
        return write_versions(self.environ.get(Variable.WRITE_VERSIONS, ""))

    @property
    def events_table(self) -> str:
        """EVENTS_TABLE: raw events."""
        return self._named(AwsName.EVENTS_TABLE, "the table of raw events")

    @property
    def sessions_table(self) -> str:
        """SESSIONS_TABLE: visitor states."""
        return self._named(AwsName.SESSIONS_TABLE, "the table of visitor states")

    @property
    def realtime_table(self) -> str:
        """REALTIME_TABLE: the last minutes."""
        return self._named(AwsName.REALTIME_TABLE, "the table of the last minutes")

    @property
    def stats_table(self) -> str:
        """STATS_TABLE: rollups."""
        return self._named(AwsName.STATS_TABLE, "the table of rollups")

    @property
    def sites_table(self) -> str:
        """SITES_TABLE: site settings."""
        return self._named(AwsName.SITES_TABLE, "the table of sites")

    @property
    def salts_table(self) -> str:
        """SALTS_TABLE: salts of visitor ids."""
        return self._named(AwsName.SALTS_TABLE, "the table of salts")

    @property
    def stream_name(self) -> str:
        """STREAM_NAME: the event stream."""
        return self._named(AwsName.STREAM_NAME, "the event stream")

    @property
    def archive_bucket(self) -> str:
        """ARCHIVE_BUCKET: the raw archive, and the spill."""
        return self._named(AwsName.ARCHIVE_BUCKET, "the bucket of the raw archive")

    @property
    def dead_letters_bucket(self) -> str:
        """DEAD_LETTERS_BUCKET: poison."""
        return self._named(AwsName.DEAD_LETTERS_BUCKET, "the bucket of the dead letters")

    @property
    def stats_function(self) -> str:
        """STATS_FUNCTION: the stats consumer, with its alias, which a rebuild pauses."""
        return self._named(Variable.STATS_FUNCTION, "the function of the stats consumer")

    @property
    def token_keys_parameter(self) -> str:
        """TOKEN_KEYS_PARAMETER: the keys that sign CSRF tokens."""
        return self._named(AwsName.TOKEN_KEYS_PARAMETER, "the parameter of the token keys")

    def _named(self, variable: AwsName | Variable, what: str) -> str:
        name = self.environ.get(variable, "")
        if not name:
            raise UsageError(f"{variable} is not set: name {what}")
        if not AWS_NAME.fullmatch(name):
            raise UsageError(f"{variable} is {name!a}, which nothing is named on AWS: name {what}")
        return name


Settings = EmbeddedSettings | AwsSettings
"""The settings of one engine."""


def settings_from(
    environ: Mapping[str, str], remaining: Callable[[], float] = without_end
) -> Settings:
    """Read the settings of the engine that LIVEINSIGHT_ENGINE names.

    Args:
        environ: the variables.
        remaining: how many seconds the invocation has left.

    Raises:
        UsageError: there is no such engine, or a setting is missing.
    """
    match environ.get(Variable.ENGINE, "embedded"):
        case "embedded":
            return EmbeddedSettings.from_env(environ)
        case "aws":
            return AwsSettings(environ, remaining)
        case other:
            raise UsageError(f"{Variable.ENGINE} is {other!r}: set it to embedded or aws")
