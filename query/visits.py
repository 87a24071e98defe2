"""SQL: what visits events belong to, as aggregates/visitor.py and docs/metrics.md define them.

Everything here is of one table of events with the columns of `query.stored`, in which some may be
more than once, and all that is known of each visitor is.
"""

from aggregates.window import OFFSET_STEP_MS, VISIT_GAP_MS
from query.question import TRAITS
from query.stored import ENDS_OF_VISIT, EVENT_COLUMNS, VISIT_OF_EVENT

_TRAITS = ", ".join(f"{trait} AS visit_{trait}" for trait in TRAITS)

FRESH = """
SELECT * FROM {raw}
QUALIFY row_number() OVER (
    PARTITION BY visitor_id, event_id
    ORDER BY arrived_at, shard, length(sequence_number), sequence_number, place
) = 1
"""
"""Each event id of a visitor once: the first arrival of it."""

EVENTS_WITH_VISITS = f"""
WITH fresh AS ({FRESH}),
turns AS (  -- events of a visitor in order; equal times by event id
    SELECT *, row_number() OVER visitor AS turn, coalesce(
        epoch_ms(occurred_at) - lag(epoch_ms(occurred_at)) OVER visitor > {VISIT_GAP_MS}, TRUE
    ) AS opens
    FROM fresh WINDOW visitor AS (PARTITION BY visitor_id ORDER BY occurred_at, event_id)
),
numbered AS (
    SELECT *, count(*) FILTER (opens) OVER (PARTITION BY visitor_id ORDER BY turn) AS visit
    FROM turns
),
wholes AS (
    SELECT visitor_id, visit,
        min(occurred_at) AS visit_started_at, max(occurred_at) AS visit_ended_at,
        nullif(arg_min(coalesce(page, ''), turn) FILTER (event_type = 'page_view'), '')
            AS visit_entry_page,
        nullif(arg_max(coalesce(page, ''), turn) FILTER (event_type = 'page_view'), '')
            AS visit_exit_page
    FROM numbered GROUP BY visitor_id, visit
),
openings AS (
    SELECT visitor_id, visit, {_TRAITS}, screen_width AS visit_screen_width
    FROM numbered WHERE opens
)
SELECT {", ".join(f'"{name}"' for name in (*EVENT_COLUMNS, *VISIT_OF_EVENT))}
FROM numbered JOIN wholes USING (visitor_id, visit) JOIN openings USING (visitor_id, visit)
"""
"""Events with what their visits are. `raw`: the table."""

VISITS_OF_EVENTS = f"""
WITH slices AS (
    SELECT visitor_id, visit_started_at, epoch_ms(occurred_at) // {OFFSET_STEP_MS} AS step,
        count(*) FILTER (event_type = 'page_view') AS pageviews,
        count(*) FILTER (event_type = 'custom') AS events,
        sum(engaged_ms) AS engaged_ms,
        any_value(visit_ended_at) AS visit_ended_at,
        {", ".join(f"any_value(visit_{one}) AS {one}" for one in (*TRAITS, *ENDS_OF_VISIT))},
        any_value(visit_screen_width) AS screen_width
    FROM {{events}} GROUP BY ALL
),
opened AS (
    SELECT *, step = epoch_ms(visit_started_at) // {OFFSET_STEP_MS} AS opens,
        sum(pageviews) OVER visit = 1 AND sum(events) OVER visit = 0 AS bounced,
        count(*) OVER (PARTITION BY visitor_id) = 1 AS alone
    FROM slices WINDOW visit AS (PARTITION BY visitor_id, visit_started_at)
)
SELECT visitor_id, visit_started_at, visit_ended_at, step::INTEGER AS step, opens, alone,
    pageviews::INTEGER AS pageviews, events::INTEGER AS events, engaged_ms::BIGINT AS engaged_ms,
    (opens AND bounced)::INTEGER AS bounces,
    CASE WHEN opens AND NOT bounced
        THEN epoch_ms(visit_ended_at) - epoch_ms(visit_started_at) ELSE 0 END AS duration_ms,
    {", ".join((*TRAITS, *ENDS_OF_VISIT))}, screen_width
FROM opened
"""
"""Visits, quarter of an hour by quarter. `events`: a table of events with visits."""
