"""The columns of exports: docs/exports.md says what each is."""

from query.columns import Column, Kind, Sheet

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
