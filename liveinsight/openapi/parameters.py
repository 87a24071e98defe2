"""What the parameters of the read APIs take: one entry for each that a handler declares."""

from collections.abc import Mapping
from typing import Any

from aggregates.measure import MEASURES
from aggregates.rollup import BREAKDOWNS
from api.days import Period
from api.problem import ReadProblem
from api.query.asked import GROWTH, LISTED, OVERVIEW, Metric
from api.query.comparison import Mode
from api.query.filters import MAX_FILTER, MAX_FILTERS
from api.query.funnel import LEAST_STEPS
from api.question import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET, MAX_SEARCH, Interval
from api.realtime import feed
from api.rebuild.document import DEFAULT_ROWS, FEWEST_ROWS, MOST_ROWS
from query.question import MOST_STEPS

DATE = r"\d{4}-\d\d-\d\d"
DAY = f"^{DATE}$"
Entry = tuple[str, Mapping[str, Any], tuple[ReadProblem, ...]]
"""What it is, its JSON schema, and the problems that it may bring."""

P = ReadProblem
SORTS = [f"{sign}{name}" for name in (*MEASURES, GROWTH) for sign in ("", "-")]
DIMENSIONS = "^(" + "|".join(LISTED) + r"|prop:.{1,64})$"

PARAMETERS: Mapping[str, Entry] = {
    "site_id": (
        "The site.",
        {"type": "string", "examples": ["demo.example"]},
        (P.SITE_ID_MISSING,),
    ),
    "page_url": ("Of the event: the page's address.", {"type": "string"}, ()),
    "title": ("Of the event: the page's title.", {"type": "string"}, ()),
    "referrer": ("Of the event: what led there.", {"type": "string"}, ()),
    "name": ("Of a custom event; without it, it is a page view.", {"type": "string"}, ()),
    "event_id": ("Of the event: a UUID.", {"type": "string"}, ()),
    "from": (
        "First day, included; default: the day of `to`.",
        {"type": "string", "format": "date", "pattern": DAY},
        (P.BAD_DATE, P.RANGE_REVERSED, P.RANGE_TOO_LONG, P.BAD_PERIOD),
    ),
    "to": (
        "Last day, included, in the site's time zone; default: today.",
        {"type": "string", "format": "date", "pattern": DAY},
        (P.BAD_DATE, P.RANGE_REVERSED, P.RANGE_TOO_LONG, P.BAD_PERIOD),
    ),
    "period": (
        "Instead of `from` and `to`.",
        {"type": "string", "enum": list(Period)},
        (P.BAD_PERIOD, P.RANGE_TOO_LONG),
    ),
    "date": (
        "With `period`: the day that it ends with, or lies in; default: today.",
        {"type": "string", "format": "date", "pattern": DAY},
        (P.BAD_DATE, P.BAD_PERIOD),
    ),
    "interval": (
        "The step of the series; not with `dimension`.",
        {"type": "string", "enum": list(Interval)},
        (P.BAD_INTERVAL,),
    ),
    "limit": (
        f"Values in each breakdown; default {DEFAULT_LIMIT}.",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        (P.BAD_LIMIT,),
    ),
    "dimension": (
        "The one breakdown that is asked for; without it the answer has all.",
        {"type": "string", "enum": list(BREAKDOWNS)},
        (P.UNKNOWN_DIMENSION, P.DIMENSION_MISSING),
    ),
    "offset": (
        "With `dimension`: how many of its values are passed over.",
        {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0},
        (P.BAD_OFFSET, P.DIMENSION_MISSING),
    ),
    "search": (
        "With `dimension`: only values that this is in, in capitals or not.",
        {"type": "string", "maxLength": MAX_SEARCH},
        (P.BAD_SEARCH, P.DIMENSION_MISSING),
    ),
    "sort": (
        "With `dimension`: what its values are ranked by; with `-` before it, the least first.",
        {"type": "string", "enum": SORTS, "default": "visitors"},
        (P.BAD_SORT, P.DIMENSION_MISSING),
    ),
    "filter": (
        "What is counted, as in `page:/pricing`, `page!:/pricing`, `page~:blog`, `country:DE|AT`.",
        {
            "type": "array",
            "maxItems": MAX_FILTERS,
            "items": {"type": "string", "maxLength": MAX_FILTER, "pattern": "^[^:]+:"},
        },
        (P.BAD_FILTER, P.UNKNOWN_GOAL),
    ),
    "compare": (
        "What the range is compared with: a way, or two days.",
        {"type": "string", "pattern": f"^({'|'.join(Mode)}|{DATE}\\.\\.{DATE})$"},
        (P.BAD_COMPARISON,),
    ),
    "goal": (
        "A goal of the site, whose conversions are told too.",
        {"type": "string", "maxLength": 60},
        (P.UNKNOWN_GOAL,),
    ),
    "metrics": (
        f"What single events have beside: {', '.join(Metric)}, with a comma between two.",
        {"type": "string", "pattern": f"^({'|'.join(Metric)})(,({'|'.join(Metric)}))*$"},
        (P.BAD_METRICS,),
    ),
    "breakdowns": (
        "Which dimensions an overview lists, with a comma between two; default: all.",
        {"type": "string", "pattern": f"^({'|'.join(OVERVIEW)})(,({'|'.join(OVERVIEW)}))*$"},
        (P.BAD_BREAKDOWNS,),
    ),
    "step": (
        "A step, as in `page:/pricing`, `page:/blog/*`, `event:signup`, `goal:Signup`.",
        {
            "type": "array",
            "minItems": LEAST_STEPS,
            "maxItems": MOST_STEPS,
            "items": {"type": "string", "pattern": "^(page|event|goal):."},
        },
        (P.BAD_STEP, P.BAD_FILTER, P.UNKNOWN_GOAL),
    ),
    "at": (
        "A moment of the last 48 hours: what had arrived then; default: now.",
        {"type": "string", "format": "date-time"},
        (P.BAD_TIME,),
    ),
    "visit": (
        "A reference of `GET /api/live/events`.",
        {"type": "string", "maxLength": 120},
        (P.UNKNOWN_VISIT,),
    ),
}

ELSEWHERE: Mapping[tuple[str, str], tuple[str, Mapping[str, Any]]] = {
    ("/api/query", "dimension"): (
        PARAMETERS["dimension"][0],
        {"type": "string", "pattern": DIMENSIONS},
    ),
    ("/api/stats", "sort"): (
        PARAMETERS["sort"][0],
        {
            "type": "string",
            "enum": [name for name in SORTS if GROWTH not in name],
            "default": "visitors",
        },
    ),
    ("/api/live/events", "limit"): (
        "How many events.",
        {
            "type": "integer",
            "minimum": 1,
            "maximum": feed.MAX_LIMIT,
            "default": feed.DEFAULT_LIMIT,
        },
    ),
    ("/api/rebuild", "limit"): (
        "How many differences, at most; no day is cut.",
        {
            "type": "integer",
            "minimum": FEWEST_ROWS,
            "maximum": MOST_ROWS,
            "default": DEFAULT_ROWS,
        },
    ),
}
"""What a parameter is and takes on a route where that is another than elsewhere."""
