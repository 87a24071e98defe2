"""The columns of exports: docs/exports.md says what each is."""

from query.columns import (
    CONTEXT,
    EVENTS,
    MEASURES,
    TEXTS,
    Column,
    Kind,
    Row,
    Sheet,
    Value,
)

__all__ = [
    "CONTEXT",
    "EVENTS",
    "MEASURES",
    "TEXTS",
    "Column",
    "Kind",
    "Row",
    "Sheet",
    "Value",
    "COUNTERS",
    "ROLLUPS",
]

COUNTERS = ("visitors", "visits", "pageviews", "events", "bounces", "duration_ms", "engaged_ms")

ROLLUPS = Sheet(
    "rollups",
    (
        Column("day", Kind.DAY, required=True),
        Column("dimension", required=True),
        Column("value"),
        Column("kind"),
        *(Column(name, Kind.INTEGER, required=True) for name in COUNTERS),
    ),
)
