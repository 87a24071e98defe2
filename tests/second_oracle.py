"""A second count, in SQL, written apart from the first: archived records in, rollup rows out.

Days are UTC. What it shares with the code that it checks is only how a record is decoded.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from itertools import count as count_from
from pathlib import Path

import duckdb

from aggregates.rollup import Counters, Dimension, RowKey
from aggregates.value import DIRECT, NOT_SET, value_of
from schemas.event import EventBatch

Days = dict[date, dict[RowKey, Counters]]

SQL = """
CREATE VIEW fresh AS  -- each event id of a visitor once: the first arrival of it
SELECT * REPLACE (
    coalesce(nullif(hostname, ''), '<not set>') AS hostname,
    coalesce(nullif(page, ''), '<not set>') AS page,
    coalesce(nullif(name, ''), '<not set>') AS name
), epoch_ms(occurred_at)::DATE AS day, event_type = 'page_view' AS viewed,
    event_type = 'custom' AS custom
FROM raw QUALIFY row_number() OVER (PARTITION BY visitor_id, event_id ORDER BY arrival) = 1;

CREATE VIEW marked AS
SELECT *, coalesce(occurred_at - lag(occurred_at) OVER visitor > 30 * 60 * 1000, TRUE) AS opens
FROM fresh WINDOW visitor AS (PARTITION BY visitor_id ORDER BY occurred_at, event_id);

CREATE VIEW numbered AS
SELECT *, count(*) FILTER (opens) OVER (
    PARTITION BY visitor_id ORDER BY occurred_at, event_id ROWS UNBOUNDED PRECEDING
) AS visit FROM marked;

CREATE VIEW visits AS
SELECT visitor_id, visit, min(occurred_at) AS start, epoch_ms(start)::DATE AS day,
    count(*) FILTER (viewed) = 1 AND count(*) FILTER (custom) = 0 AS bounced,
    CASE WHEN bounced THEN 0 ELSE max(occurred_at) - min(occurred_at) END AS duration_ms,
    coalesce(first(page ORDER BY occurred_at, event_id) FILTER (viewed), '<not set>') AS entry_page,
    coalesce(last(page ORDER BY occurred_at, event_id) FILTER (viewed), '<not set>') AS exit_page,
    {firsts}
FROM numbered GROUP BY visitor_id, visit;

CREATE VIEW scoped AS  -- a row for each visit and each of its visit-scoped values
UNPIVOT (SELECT *, '' AS total FROM visits) ON total, {scoped} INTO NAME dimension VALUE value;

CREATE VIEW intake AS  -- by the day of arrival
SELECT received_at, 'received' AS fate, received AS hits FROM requests
UNION ALL SELECT received_at, 'duplicate', duplicates FROM requests
UNION ALL SELECT received_at, 'rejected:' || unnest(refused), 1 FROM requests
UNION ALL SELECT received_at, 'accepted', 1 FROM raw
UNION ALL SELECT received_at, 'counted', 1 FROM fresh
UNION ALL SELECT received_at, 'repeated', 1 FROM raw ANTI JOIN fresh USING (arrival);

CREATE VIEW contributions AS
SELECT e.day, s.dimension, s.value, e.visitor_id, 0 AS visits, e.viewed::INT AS pageviews,
    e.custom::INT AS events, 0 AS bounces, 0 AS duration_ms, e.engaged_ms
FROM numbered e JOIN scoped s USING (visitor_id, visit)
UNION ALL SELECT day, dimension, value, visitor_id, 1, 0, 0, bounced::INT, duration_ms, 0
    FROM scoped
UNION ALL SELECT day, 'entry_page', entry_page, visitor_id, 1, 0, 0, bounced::INT, duration_ms, 0
    FROM visits
UNION ALL SELECT day, 'exit_page', exit_page, visitor_id, 1, 0, 0, bounced::INT, duration_ms, 0
    FROM visits
UNION ALL SELECT day, 'hour', strftime(epoch_ms(start), '%H'), visitor_id, 1, 0, 0, bounced::INT,
    duration_ms, 0 FROM visits
UNION ALL SELECT day, 'hour', strftime(epoch_ms(occurred_at), '%H'), visitor_id, 0, viewed::INT,
    custom::INT, 0, 0, engaged_ms FROM fresh
UNION ALL SELECT day, 'hostname', hostname, visitor_id, 0, viewed::INT, custom::INT, 0, 0,
    engaged_ms FROM fresh
UNION ALL SELECT day, 'event', name, visitor_id, 0, 0, 1, 0, 0, engaged_ms FROM fresh WHERE custom
UNION ALL SELECT day, 'page', page, visitor_id, 0, viewed::INT, 0, 0, 0, engaged_ms
    FROM fresh WHERE NOT custom
UNION ALL SELECT epoch_ms(received_at)::DATE, 'intake', fate, NULL, 0, 0, hits, 0, 0, 0 FROM intake;

SELECT day, dimension, value, count(DISTINCT visitor_id), sum(visits), sum(pageviews), sum(events),
    sum(bounces), sum(duration_ms), sum(engaged_ms)
FROM contributions WHERE value IS NOT NULL GROUP BY ALL;
"""

REQUEST = "{received_at: 'BIGINT', received: 'INT', duplicates: 'INT', refused: 'VARCHAR[]'}"
ALWAYS = {
    "source": "<direct>",
    "channel": "<not set>",
    "country": "<not set>",
    "browser": "<not set>",
    "os": "<not set>",
    "device": "<not set>",
    "language": "<not set>",
}
RESERVED = {"<not set>": NOT_SET, "<direct>": DIRECT}
SOMETIMES = (
    *("referrer", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"),
    *("region", "city"),
)
TEXTS = {"hostname", "page", "name", *ALWAYS, *SOMETIMES}


def count(batches: Iterable[EventBatch], folder: Path) -> Days:
    """Count records, in the order in which they arrived; `folder` takes scratch files."""
    path, requests = folder / "events.ndjson", folder / "requests.ndjson"
    arrivals = count_from(0)
    with path.open("w") as file, requests.open("w") as others:
        for batch in batches:
            others.write(json.dumps(_request(batch)) + "\n")
            for row in _rows(batch):
                file.write(json.dumps({"arrival": next(arrivals), **row}) + "\n")
    firsts = [
        f"first(coalesce(nullif({name}, ''), '{default}') ORDER BY occurred_at, event_id) AS {name}"
        for name, default in ALWAYS.items()
    ] + [
        f"nullif(first({name} ORDER BY occurred_at, event_id), '') AS {name}" for name in SOMETIMES
    ]
    sql = SQL.format(firsts=",\n    ".join(firsts), scoped=", ".join((*ALWAYS, *SOMETIMES)))
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE raw AS FROM read_json('{path}', sample_size = -1)")
        connection.execute(
            f"CREATE TABLE requests AS FROM read_json('{requests}', columns = {REQUEST})"
        )
        found = connection.execute(sql).fetchall()
    days: Days = {}
    for day, dimension, value, *counters in found:
        if any(counters):
            counted = Counters(*(int(number) for number in counters))
            days.setdefault(day, {})[Dimension(dimension), RESERVED.get(value, value)] = counted
    return days


def _request(batch: EventBatch) -> dict[str, object]:
    return {
        "received_at": batch.received_at,
        "received": batch.received or len(batch.events),
        "duplicates": batch.duplicates,
        "refused": [hit.code for hit in batch.rejected],
    }


def _rows(batch: EventBatch) -> Iterable[dict[str, object]]:
    for event in batch.events:
        row = {**asdict(event), **asdict(batch.context), "visitor_id": batch.visitor_id.hex()}
        row["received_at"] = batch.received_at
        del row["props"], row["revenue"]
        texts = {name: value_of(text) for name, text in row.items() if name in TEXTS and text}
        yield {**row, **texts, "event_id": event.event_id.hex()}
