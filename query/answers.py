"""SQL: how answers are taken from the tables of a question (query/session.py)."""

from collections.abc import Collection, Sequence

from aggregates.rollup import Counters, Dimension
from aggregates.window import OFFSET_STEP_MS
from query.conditions import CUSTOM, Parameters, column, empty_of, goal_met
from query.question import ENDS, OF_VISITS, PROPERTY, SCREEN, SOMETIMES, Goal

COUNTERS = ", ".join(Counters._fields)

OF_SLICES = """
    count(*) FILTER (present AND alone)
        + count(DISTINCT visitor_id) FILTER (present AND NOT alone) AS visitors,
    count(*) FILTER (opens) AS visits, sum(pageviews) AS pageviews, sum(events) AS events,
    sum(bounces) AS bounces, sum(duration_ms) AS duration_ms, sum(engaged_ms) AS engaged_ms"""

_OF_ALONE = """
    count(*) FILTER (present AND alone) AS visitors,
    count(*) FILTER (opens) AS visits, sum(pageviews) AS pageviews, sum(events) AS events,
    sum(bounces) AS bounces, sum(duration_ms) AS duration_ms, sum(engaged_ms) AS engaged_ms"""

_OF_OPENINGS = """
    count(*) FILTER (alone) AS visitors,
    count(*) AS visits, 0 AS pageviews, 0 AS events,
    sum(bounces) AS bounces, sum(duration_ms) AS duration_ms, 0 AS engaged_ms"""

_OF_EVENTS = """
    count(*) FILTER (event_type = 'page_view') AS pageviews,
    count(*) FILTER (event_type = 'custom') AS events,
    sum(engaged_ms) AS engaged_ms"""

SORTS = {
    **{name: name for name in Counters._fields},
    "bounce_rate": "bounces / nullif(visits, 0)",
    "visit_duration_seconds": "duration_ms / nullif(visits, 0)",
    "views_per_visit": "pageviews / nullif(visits, 0)",
    "engaged_seconds": "engaged_ms",
}
"""What values can be ranked by."""


def ranked(sort: str, *, descending: bool) -> str:
    """Return the SQL of an order of values."""
    direction = "DESC" if descending else "ASC"
    equal = "visitors DESC, pageviews DESC, events DESC, value ASC NULLS FIRST"
    return f"ORDER BY {SORTS[sort]} {direction} NULLS LAST, {equal}"


def values_of(dimension: str, source: str, parameters: Parameters, wanted: str = "TRUE") -> str:
    """Return the SQL of the values of a dimension with their counters, those that have any.

    Args:
        dimension: which.
        source: gives the counted events.
        parameters: of the statement.
        wanted: the SQL that says whether `value` is looked at.
    """
    is_of_visits = dimension in OF_VISITS
    counts = (
        _of_visits(dimension, parameters)
        if is_of_visits
        else _of_events(dimension, source, parameters)
    )
    return f"""
        SELECT value, {COUNTERS} FROM ({counts}) WHERE {wanted}
        AND (visitors > 0 OR visits > 0 OR pageviews > 0 OR events > 0 OR engaged_ms > 0)"""


def side_by_side(selects: Sequence[str]) -> str:
    """Return the SQL of several questions as one: each row says first which it answers.

    To ask at once costs a third of asking one after another: most of a small question is planning.
    """
    numbered = (
        f"SELECT {number} AS question, * FROM ({sql})" for number, sql in enumerate(selects)
    )
    return " UNION ALL ".join(numbered)


def top(values: str, order: str, limit: str, offset: str) -> str:
    """Return the SQL of a part of a ranking: how many values there are, the place, and the rest.

    Args:
        values: gives them.
        order: by which they are ranked.
        limit: how many are wanted.
        offset: how many are passed over.
    """
    return f"""
        SELECT * FROM (
            SELECT count(*) OVER () AS "values", row_number() OVER ({order}) AS place, *
            FROM ({values})
        ) WHERE place > {offset} ORDER BY place LIMIT {limit}"""


def _of_visits(dimension: str, parameters: Parameters) -> str:
    """Count rows; and where a visitor has several, the visitors behind them by day."""
    value, lists = column(dimension, parameters, prefix=""), "TRUE"
    counts = _OF_OPENINGS if dimension in ENDS else _OF_ALONE
    if dimension in ENDS:
        lists = "opens"
    elif dimension in {*SOMETIMES, SCREEN}:
        lists = f"{value} IS NOT NULL"
    several = f"{lists} AND NOT alone" + ("" if dimension in ENDS else " AND present")
    zeros = ", ".join(f"0 AS {name}" for name in Counters._fields[1:])
    sums = ", ".join(f"sum({name})::BIGINT AS {name}" for name in Counters._fields)
    return f"""
        SELECT value, {sums} FROM (
            SELECT {value} AS value, {counts} FROM sliced WHERE {lists} GROUP BY value
            UNION ALL
            SELECT value, count(*) AS visitors, {zeros} FROM (
                SELECT DISTINCT {value} AS value, visitor_id, day FROM sliced WHERE {several}
            ) GROUP BY value
        ) GROUP BY value"""


def _of_events(dimension: str, source: str, parameters: Parameters) -> str:
    value = column(dimension, parameters)
    lists = f"{value} IS NOT NULL" if dimension.startswith(PROPERTY) else kind_of(dimension)
    return f"""
        SELECT value, count(*) AS visitors, 0 AS visits, sum(pageviews)::BIGINT AS pageviews,
            sum(events)::BIGINT AS events, 0 AS bounces, 0 AS duration_ms,
            sum(engaged_ms)::BIGINT AS engaged_ms
        FROM (
            SELECT {value} AS value, visitor_id, day, {_OF_EVENTS} FROM {source}
            WHERE {lists} GROUP BY ALL
        ) GROUP BY value"""


def kind_of(dimension: str) -> str:
    """Return the SQL that says which events a dimension of events lists."""
    match dimension:
        case Dimension.PAGE:
            return f"NOT ({CUSTOM})"
        case Dimension.EVENT:
            return CUSTOM
        case _:
            return "TRUE"


def wanted(dimension: str, values: Collection[str], parameters: Parameters) -> str:
    """Return the SQL that says whether `value` is one of some values."""
    empty = empty_of(dimension)
    texts = parameters.put([value for value in values if value != empty])
    nothing = " OR value IS NULL" if empty in values else ""
    return f"(value IN (SELECT unnest({texts}::VARCHAR[])){nothing})"


def conversions(source: str, by: str) -> str:
    """Return the SQL that counts events that meet a goal, by something.

    Args:
        source: gives the events.
        by: the SQL of what they are counted by.
    """
    return f"""
        SELECT key, sum(visitors)::BIGINT, sum(visits)::BIGINT, sum(conversions)::BIGINT FROM (
            SELECT {by} AS key, day, count(DISTINCT visitor_id) AS visitors,
                0 AS visits, count(*) AS conversions
            FROM ({source}) GROUP BY ALL
            UNION ALL
            SELECT {by} AS key, 0, 0, count(DISTINCT (visitor_id, visit_started_at)), 0
            FROM ({source}) GROUP BY ALL
        ) GROUP BY key ORDER BY key"""


READ_DEPTH = 90
"""Percent of a page behind which it was read to its end, near enough."""


def scrolls(value: str, source: str, listed: str) -> str:
    """Return the SQL of the deepest places that were scrolled to, by value.

    Their mean, and the share of those that are READ_DEPTH or deeper.
    """
    return f"""
        SELECT value, avg(depth), avg((depth >= {READ_DEPTH})::INTEGER) FROM (
            SELECT {value} AS value, max(scroll_depth) AS depth FROM {source}
            WHERE scroll_depth > 0 AND NOT ({CUSTOM})
            GROUP BY value, visitor_id, visit_started_at, page
        ) WHERE {listed} GROUP BY value"""


def revenues(value: str, source: str, listed: str) -> str:
    """Return the SQL of revenue by value and currency."""
    return f"""
        SELECT value, revenue_currency, sum(revenue_amount) FROM (
            SELECT {value} AS value, revenue_currency, revenue_amount FROM {source}
            WHERE revenue_amount IS NOT NULL AND revenue_currency IS NOT NULL
        ) WHERE {listed} GROUP BY ALL ORDER BY ALL"""


def funnel(steps: Sequence[Goal], source: str, parameters: Parameters) -> str:
    """Return the SQL that counts the visits that came as far as each step.

    Args:
        steps: what is to be done, in order.
        source: gives all events of the visits that are looked at.
        parameters: of the statement.
    """
    marks = [goal_met(goal, parameters) for goal in steps]
    marked = ", ".join(f"({mark}) AS step_{place}" for place, mark in enumerate(marks))
    tables = [
        f"""marked AS (
            SELECT visitor_id, visit_started_at, row_number() OVER (
                PARTITION BY visitor_id, visit_started_at ORDER BY occurred_at, event_id
            ) AS turn, {marked} FROM {source}
        )""",
        *map(_reached, range(len(steps))),
    ]
    counts = " UNION ALL ".join(
        f"SELECT {place} AS place, count(*), count(DISTINCT (visitor_id, day))"
        f" FROM reached_{place} JOIN clock ON step = epoch_ms(visit_started_at) // {OFFSET_STEP_MS}"
        for place in range(len(steps))
    )
    return f"WITH {', '.join(tables)} {counts} ORDER BY place"


def _reached(place: int) -> str:
    """Return the SQL of the visits that came as far as a step, and where in the visit."""
    source, behind = "marked", ""
    if place:
        source = f"marked JOIN reached_{place - 1} USING (visitor_id, visit_started_at)"
        behind = f" AND marked.turn > reached_{place - 1}.turn"
    return f"""reached_{place} AS (
        SELECT visitor_id, visit_started_at, min(marked.turn) AS turn FROM {source}
        WHERE step_{place}{behind} GROUP BY visitor_id, visit_started_at
    )"""
