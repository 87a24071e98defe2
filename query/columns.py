"""The columns of accepted events, as exports have them: docs/exports.md says what each is.

A row is what a line of NDJSON is: a mapping from the names of columns to text, integers and, for
props, a mapping of texts. Moments are RFC 3339 in UTC with milliseconds, days are ISO 8601. What is
not set is not in the row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Value = str | int | Mapping[str, str]
Row = Mapping[str, Value]


class Kind(StrEnum):
    """What a column holds, named as Parquet has it (in DuckDB's words)."""

    TEXT = "VARCHAR"
    INTEGER = "BIGINT"
    MOMENT = "TIMESTAMPTZ"
    DAY = "DATE"
    TEXTS = "MAP(VARCHAR, VARCHAR)"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. A row without a required one is none."""

    name: str
    kind: Kind = Kind.TEXT
    required: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """What one kind of export consists of."""

    name: str
    """Of the files in a folder."""
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)


CONTEXT = ("browser", "os", "device", "language", "country", "region", "city")
TEXTS = (
    "session_id",
    *("hostname", "page", "query", "title", "referrer", "source", "channel"),
    *("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "name"),
)
"""Of an event. CONTEXT is in the order of the fields of `schemas.event.Context`."""
MEASURES = ("engaged_ms", "scroll_depth", "screen_width")

EVENTS = Sheet(
    "events",
    (
        Column("day", Kind.DAY, required=True),
        Column("occurred_at", Kind.MOMENT, required=True),
        Column("site_id", required=True),
        Column("event_id", required=True),
        Column("event_type", required=True),
        Column("visitor_id", required=True),
        *map(Column, TEXTS),
        Column("props", Kind.TEXTS),
        Column("revenue_amount"),
        Column("revenue_currency"),
        *(Column(name, Kind.INTEGER, required=True) for name in MEASURES),
        *map(Column, CONTEXT),
        Column("received_at", Kind.MOMENT, required=True),
        Column("arrived_at", Kind.MOMENT, required=True),
        Column("partition", Kind.INTEGER, required=True),
        Column("shard", required=True),
        Column("sequence_number", required=True),
    ),
)
