"""Questions with filters over a year of events: `python -m benchmarks.query --events 1000000`.

Events are drawn by SQL, by day, into open files; the writer's merge does the rest. Then an overview
with a filter is asked as the page asks it: totals, series and five breakdowns.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from processors.columns.files import ColumnFiles
from query.database import connect
from query.engine import QueryEngine
from query.layout import Part
from query.library import FolderLibrary
from query.question import Condition, Operator, Question
from query.stored import EVENT_COLUMNS
from query.writing import copy
from runtime.sites.site import Site

SITE = Site(site_id="bench.example", timezone="Europe/Berlin")
DAYS, PAGES = 400, 2000
LAST = date(2026, 11, 20)
BREAKDOWNS = ("page", "source", "country", "browser", "event")
"""Of the panels that the page shows first."""
FILTERS = {
    "source is Google": Condition("source", Operator.IS, ("source 1",)),
    "page is one of the first": Condition("page", Operator.IS, ("/page/3",)),
    "country is one of two": Condition("country", Operator.IS, ("C1", "C2")),
    "device is the usual one": Condition("device", Operator.IS, ("Desktop",)),
    "page contains": Condition("page", Operator.CONTAINS, ("/page/1",)),
}

EVENTS_OF_DAY = """
WITH visits AS (
    SELECT i AS visit,
        hash(CASE WHEN random() < 0.12 THEN i - 1 ELSE i END, {day})::UBIGINT
            & 9223372036854775807 AS visitor,
        {start} + (random() * 86400000)::BIGINT AS began,
        1 + least(30, floor(-ln(random()) * 2.6))::INTEGER AS size,
        zipf(40) AS source, zipf(60) AS country, zipf(300) AS city, zipf(6) AS browser,
        random() AS tagged, zipf(12) AS language
    FROM range({visits}) t(i)
),
events AS (
    SELECT *, unnest(range(size)) AS place FROM visits
),
drawn AS (
    SELECT *, began + place * 25000 + (random() * 20000)::BIGINT AS moment, zipf({pages}) AS number,
        place > 0 AND random() < 0.12 AS custom
    FROM events
)
SELECT visitor::BIGINT AS visitor_id, uuid() AS event_id,
    CASE WHEN custom THEN 'custom' ELSE 'page_view' END AS event_type,
    epoch_ms(moment) AS occurred_at, 'session-' || visit AS session_id,
    'bench.example' AS hostname, '/page/' || number AS page, 'Page ' || number AS title,
    CASE WHEN source > 1 THEN 'source ' || (source - 1) END AS source,
    'channel ' || (source % 8) AS channel,
    CASE WHEN source > 1 THEN 'referrer' || source || '.example/' END AS referrer,
    CASE WHEN tagged < 0.1 THEN 'campaign ' || (tagged * 100)::INTEGER END AS utm_campaign,
    CASE WHEN custom THEN 'event ' || zipf(8) END AS name,
    CASE WHEN custom THEN MAP {{'plan': 'plan ' || zipf(3)}} END AS props,
    0 AS engaged_ms, 0 AS scroll_depth, 1440 AS screen_width,
    'browser ' || browser AS browser, 'os ' || (browser % 5) AS os,
    CASE WHEN browser < 4 THEN 'Desktop' ELSE 'Mobile' END AS device,
    'language ' || language AS language, 'C' || country AS country,
    'region ' || (city % 90) AS region, 'city ' || city AS city,
    epoch_ms(moment) AS received_at, epoch_ms(moment) AS arrived_at,
    0 AS partition, 'shard' AS shard,
    visit::VARCHAR AS sequence_number, place
FROM drawn
"""
ZIPF = "CREATE MACRO zipf(n) AS (1 + floor(pow(n + 0.0, random()) - 1))::INTEGER"


def build(folder: Path, events: int) -> tuple[FolderLibrary, float]:
    """Draw events and merge them; return the files, and the seconds that merging took."""
    library, scratch = FolderLibrary(folder / "columns"), folder / "scratch"
    scratch.mkdir()
    database = connect(1024, 2, folder / "spill", [folder])
    database.execute(ZIPF)
    files = ColumnFiles(library, database, scratch, lambda: 0)
    visits = round(events / DAYS / 3.1)
    days = [LAST - timedelta(days=back) for back in range(DAYS)][::-1]
    for day in days:
        start = int(datetime(*day.timetuple()[:3], tzinfo=UTC).timestamp()) * 1000
        drawn = EVENTS_OF_DAY.format(day=day.toordinal(), start=start, visits=visits, pages=PAGES)
        path = scratch / "drawn.parquet"
        within = f"occurred_at < DATE '{day + timedelta(days=1)}'"
        select = f"SELECT {_columns(drawn)} FROM ({drawn}) WHERE {within}"  # noqa: S608
        count = copy(database, select, path)
        part = Part(
            site_id=SITE.site_id,
            day=day,
            is_merged=False,
            number=0,
            days=1,
            rows=count,
            arrived_at=start,
            written_at=start,
            digest=f"{day.toordinal():016x}",
        )
        library.put(path, part.events_key)
    began = time.perf_counter()
    for at in range(0, DAYS, 20):
        files.merge(SITE.site_id, days[at : at + 20])
    for month in {day.replace(day=1) for day in days}:
        if month < LAST.replace(day=1):
            files.join_month(SITE.site_id, month)
    took = time.perf_counter() - began
    database.close()
    return library, took


def _columns(drawn: str) -> str:
    return ", ".join(
        f'"{name}"' if f" AS {name}" in drawn or name == "place" else f'NULL::{kind} AS "{name}"'
        for name, kind in EVENT_COLUMNS.items()
    )


def overview(engine: QueryEngine, question: Question) -> None:
    """Ask what the page asks."""
    found = engine.counted(question)
    found.days()
    found.total()
    found.listings(BREAKDOWNS, 10)


def measured(ask: Callable[[], None], times: int) -> dict[str, float]:
    """Return the milliseconds that something takes."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        ask()
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    return {
        "median": round(statistics.median(took)),
        "p95": round(took[min(len(took) - 1, int(len(took) * 0.95))]),
    }


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="liveinsight-bench-"))
    if (folder / "columns").exists():
        library, merging = FolderLibrary(folder / "columns"), 0.0
    else:
        folder.mkdir(exist_ok=True)
        library, merging = build(folder, options.events)
    parts = library.parts(SITE.site_id, date.min, date.max)
    rows, size = sum(part.rows for part in parts), sum(map(library.size, parts))
    engine = QueryEngine(lambda: connect(512, 2, folder / "query", [folder]), library)
    figures: dict[str, object] = {
        "events": rows,
        "files": len(parts),
        "bytes_of_a_million_events": round(size / rows * 1_000_000),
        "events_merged_a_second": round(rows / merging) if merging else None,
    }
    for days in (28, 365):
        first = LAST - timedelta(days=days)
        for name, condition in FILTERS.items():
            last = LAST - timedelta(days=1)
            question = Question(SITE, first, last, conditions=(condition,), listed=BREAKDOWNS)
            took = measured(partial(overview, engine, question), options.times)
            figures[f"{days} days, {name}, ms"] = took
            print(json.dumps({f"{days} days, {name}, ms": took}), flush=True)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
