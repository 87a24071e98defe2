"""Every kind of question against an oracle in plain Python: 400 days of traffic in three zones.

The same events are counted as rollups, written as columns, and counted at once by the definitions
of docs/metrics.md. The days, steps and cuts of each question are worked out here by other means
than the API's: from lists of days, calendars and clocks.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest

import api.query.bootstrap
import api.stats.bootstrap
from aggregates.progress import Progress
from aggregates.rollup import BREAKDOWNS, ZERO, Counters, Dimension, Rollup
from aggregates.stores.opener import rollups
from aggregates.stores.ports import RollupKey, StoredRollup, Versioned
from api.document import metrics, named
from liveinsight.engine.front import HttpRequest
from liveinsight.engine.gateway import core_request
from query.question import Condition, Goal, Operator, Question, Reached
from runtime.settings import EmbeddedSettings
from runtime.sites.goals import Goal as SiteGoal
from runtime.sites.opener import sites
from runtime.sites.site import Site
from schemas.event import Context, Event, EventBatch, EventType, Revenue
from tests import oracle
from tests.query.filter_oracle import Counted
from tests.query.shelf import SITE, Shelf

NOW = datetime(2026, 11, 27, 12, 30, tzinfo=UTC)
"""In each zone the afternoon or the morning of 27 November, far from midnight."""
DAYS = 400
ZONES = ("Europe/Berlin", "Asia/Kolkata", "America/St_Johns")
TODAY = date(2026, 11, 27)
MINUTE = 60_000
VIEW, CUSTOM = EventType.PAGE_VIEW, EventType.CUSTOM
GOALS = (
    SiteGoal(name="Signup", event="signup", prop="plan", value="pro"),
    SiteGoal(name="Order", event="order", revenue=True),
    SiteGoal(name="Blog", page="/blog/*"),
)
SIGNUP = Goal(
    (Condition("event", Operator.IS, ("signup",)), Condition("prop:plan", Operator.IS, ("pro",)))
)
ORDER = Goal((Condition("event", Operator.IS, ("order",)),))
BLOG = Goal((Condition("page", Operator.MATCHES, ("/blog/*",)),))


def traffic(rng: Random) -> Iterator[EventBatch]:
    """Visits all around the clock, many at midnights and at changes of the clocks, some late."""
    begin = NOW - timedelta(days=DAYS)
    number = 0
    for day in range(DAYS + 1):
        for _ in range(rng.randrange(1, 6)):
            visitor = rng.randbytes(8)
            at = begin + timedelta(days=day, minutes=rng.randrange(-720, 720))
            if rng.random() < 0.3:  # about a midnight of one of the zones
                at = at.replace(hour=rng.choice([3, 18, 22, 23]), minute=rng.randrange(60))
            context = Context(
                rng.choice(["Firefox", "Chrome"]),
                rng.choice(["Linux", ""]),
                rng.choice(["Desktop", "Mobile"]),
                "de",
                rng.choice(["DE", "FR", "JP", ""]),
                "",
                rng.choice(["Köln", ""]),
            )
            source = rng.choice(["Google", "Bing", "", ""])
            for _ in range(rng.randrange(1, 6)):
                number += 1
                at += timedelta(seconds=rng.randrange(1, 2400))
                if at >= NOW:
                    break
                event = happening(rng, number, int(at.timestamp() * 1000), source)
                received_at = event.occurred_at + rng.choice([100, 100, 20 * 3_600_000])
                yield EventBatch(SITE, visitor, received_at, context, (event,))


def happening(rng: Random, number: int, at: int, source: str) -> Event:
    seen = Event(
        number.to_bytes(16, "big"),
        VIEW,
        at,
        "session-1",
        hostname=SITE,
        page=rng.choice(["/", "/pricing", "/blog/a", "/blog/b|c", "/weiß"]),
        source=source,
        channel="Organic Search" if source else "",
        screen_width=rng.choice([0, 400, 1500]),
    )
    if rng.random() < 0.7:
        return seen
    name = rng.choice(["signup", "order"])
    plan = {"plan": rng.choice(["pro", "free"])}
    money = Revenue(rng.choice(["10.50", "-3"]), "EUR") if name == "order" else None
    return replace(seen, event_type=CUSTOM, name=name, props=plan, revenue=money)


@dataclass
class World:
    """The same events, counted in every way."""

    settings: EmbeddedSettings
    batches: list[EventBatch]
    days: dict[str, oracle.Days] = field(default_factory=dict)

    def counted(self, question: Question) -> Counted:
        """Count by the oracle, which reads every event that it is given."""
        begin = datetime.combine(question.first, datetime.min.time(), UTC) - timedelta(days=2)
        end = datetime.combine(question.last, datetime.min.time(), UTC) + timedelta(days=3)
        near = [
            batch
            for batch in self.batches
            if begin.timestamp() <= batch.events[0].occurred_at / 1000 < end.timestamp()
        ]
        return Counted(near, question)

    def site(self, zone: str) -> Site:
        found = sites(self.settings).get(SITE)
        assert found is not None
        assert found.timezone == zone
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    settings = EmbeddedSettings(tmp_path_factory.mktemp("data"))
    sites(settings).add(Site(site_id=SITE, public=True, goals=GOALS))
    made = World(settings, list(traffic(Random(1))))
    Shelf(settings.columns_path).put(made.batches)
    store = rollups(settings)
    for generation, zone in enumerate(ZONES, 1):
        made.days[zone] = oracle.count(made.batches, zone)
        for day, rows in made.days[zone].items():
            key = RollupKey(generation, SITE, day, 0)
            stored = StoredRollup(Rollup(rows), Progress({"s": 1}, 1, 2))
            assert not store.save({key: Versioned(stored, 0)})
    return made


@pytest.fixture(params=ZONES)
def zone(
    request: pytest.FixtureRequest, world: World, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The site in one of the zones, with its rollups, and containers that have not started yet."""
    monkeypatch.setenv("LIVEINSIGHT_DATA", str(world.settings.data))
    name = str(request.param)
    generation = ZONES.index(name) + 1
    sites(world.settings).update(
        SITE, lambda site: replace(site, timezone=name, generation=generation)
    )
    for part in (api.query.bootstrap, api.stats.bootstrap):
        part.endpoint.cache_clear()
    yield name
    for part in (api.query.bootstrap, api.stats.bootstrap):
        part.endpoint.cache_clear()


def ask(path: str, *asked: tuple[str, str]) -> Any:
    query = urlencode([("site_id", SITE), *asked])
    request = core_request(HttpRequest("GET", f"/api/{path}", query, {}, "", b""))
    module = api.stats.bootstrap if path == "stats" else api.query.bootstrap
    reply = module.endpoint().reply(request, now=NOW)
    assert reply.status == 200, reply.body
    return json.loads(reply.body)


def back(days: int) -> date:
    return TODAY - timedelta(days=days)


RANGES = [
    ([("period", "today")], TODAY, TODAY),
    ([("period", "yesterday")], back(1), back(1)),
    ([("period", "7d")], back(6), TODAY),
    ([("period", "28d"), ("date", "2026-11-15")], date(2026, 10, 19), date(2026, 11, 15)),
    ([("period", "91d")], back(90), TODAY),
    ([("period", "month")], date(2026, 11, 1), TODAY),
    ([("period", "month"), ("date", "2026-02-10")], date(2026, 2, 1), date(2026, 2, 28)),
    ([("period", "6mo")], date(2026, 6, 1), TODAY),
    ([("period", "12mo")], date(2025, 12, 1), TODAY),
    ([("period", "year")], date(2026, 1, 1), TODAY),
    ([("from", "2026-03-01"), ("to", "2026-03-31")], date(2026, 3, 1), date(2026, 3, 31)),
]


def totals(days: oracle.Days, first: date, last: date) -> Counters:
    total = ZERO
    for day, rows in days.items():
        if first <= day <= last:
            total = total.plus(rows.get((Dimension.TOTAL, ""), ZERO))
    return total


@pytest.mark.parametrize(("asked", "first", "last"), RANGES, ids=lambda one: str(one)[-40:])
def test_a_range_is_what_its_days_come_to(
    world: World, zone: str, asked: list[tuple[str, str]], first: date, last: date
) -> None:
    for path in ("stats", "query"):
        body = ask(path, *asked)
        assert (body["from"], body["to"], body["timezone"]) == (str(first), str(last), zone)
        assert body["totals"] == metrics(totals(world.days[zone], first, last))
        for dimension in BREAKDOWNS:
            sums: dict[str, Counters] = defaultdict(lambda: ZERO)
            for day, rows in world.days[zone].items():
                for (of, value), row in rows.items():
                    if of is dimension and first <= day <= last:
                        sums[value] = sums[value].plus(row)
            assert by_value(body["breakdowns"][dimension]) == documents(sums)


def by_value(rows: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Rows by what they are of, reserved ones apart from texts that look like them."""
    found = {}
    for row in rows:
        of = f"{row.get('kind', '')}|{row['value']}"
        found[of] = {name: row[name] for name in metrics(ZERO)}
    return found


def documents(sums: dict[str, Counters]) -> dict[str, dict[str, Any]]:
    names = {value: named(value) for value, row in sums.items() if row != ZERO}
    return {
        f"{name.get('kind', '')}|{name['value']}": metrics(sums[value])
        for value, name in names.items()
    }


def test_all_days_begin_with_the_first(world: World, zone: str) -> None:
    first = min(day for day, rows in world.days[zone].items() if (Dimension.TOTAL, "") in rows)
    for path in ("stats", "query"):
        body = ask(path, ("period", "all"))
        assert (body["from"], body["to"]) == (str(first), str(TODAY))
        assert body["totals"] == metrics(totals(world.days[zone], first, TODAY))
        assert body["interval"] == "month"


def name_of_step(day: date, interval: str) -> Any:
    return {"day": day, "week": day.isocalendar()[:2], "month": (day.year, day.month)}[interval]


@pytest.mark.parametrize("interval", ["day", "week", "month"])
def test_steps_of_a_series_add_days_up(world: World, zone: str, interval: str) -> None:
    first, last = date(2025, 12, 3), date(2026, 11, 20)
    asked = ("from", str(first)), ("to", str(last)), ("interval", interval)
    steps: dict[Any, list[date]] = defaultdict(list)
    for passed in range((last - first).days + 1):
        day = first + timedelta(days=passed)
        steps[name_of_step(day, interval)].append(day)
    expected = [
        {
            "start": datetime(*days[0].timetuple()[:3], tzinfo=ZoneInfo(zone)).isoformat(),
            **metrics(totals(world.days[zone], days[0], days[-1])),
        }
        for days in steps.values()
    ]
    for path in ("stats", "query"):
        assert ask(path, *asked)["series"] == expected


@pytest.mark.parametrize("month", ["2026-03", "2026-10", "2026-11"])
def test_hours_are_those_of_the_clocks(world: World, zone: str, month: str) -> None:
    """In these months the clocks of Berlin and St. John's are changed, or it is now."""
    asked = ("period", "month"), ("date", f"{month}-15"), ("interval", "hour")
    body = ask("stats", *asked)
    first, last = date.fromisoformat(body["from"]), date.fromisoformat(body["to"])
    begin = datetime(*first.timetuple()[:3], tzinfo=ZoneInfo(zone)).astimezone(UTC)
    end = datetime(*(last + timedelta(days=1)).timetuple()[:3], tzinfo=ZoneInfo(zone))
    assert len(body["series"]) == (end - begin) // timedelta(hours=1)
    for place, point in enumerate(body["series"]):
        moment = begin + timedelta(hours=place)
        assert datetime.fromisoformat(point["start"]) == moment
        local = moment.astimezone(ZoneInfo(zone))
        midnight = local.replace(hour=0, minute=0, fold=0).astimezone(UTC)
        hour = f"{(moment - midnight) // timedelta(hours=1):02d}"
        rows = world.days[zone].get(local.date(), {})
        counted = rows.get((Dimension.HOUR, hour), ZERO)
        assert {name: point[name] for name in metrics(ZERO)} == metrics(counted), local
    assert ask("query", *asked)["series"] == body["series"]


COMPARISONS = [
    ("previous", [("period", "7d")], back(13), back(7)),
    ("previous", [("period", "today")], back(1), back(1)),
    ("weekday", [("period", "today")], back(7), back(7)),
    ("weekday", [("period", "30d")], back(29 + 35), back(35)),
    ("year", [("period", "7d")], date(2025, 11, 21), date(2025, 11, 27)),
    ("2026-03-01..2026-03-31", [("period", "28d")], date(2026, 3, 1), date(2026, 3, 28)),
    ("previous", [("from", "2026-03-15"), ("to", "2026-04-14")], None, date(2026, 3, 14)),
]


@pytest.mark.parametrize(
    ("zone", "filters", "mode", "asked", "first", "last"),
    [
        (ZONES[(place + len(filters)) % 3], filters, *case)
        for filters in ((), ("country:DE", "page~:blog"))
        for place, case in enumerate(COMPARISONS)
    ],
    ids=str,
    indirect=["zone"],
)
def test_both_sides_are_cut_at_the_same_time(  # noqa: PLR0913, PLR0917
    world: World,
    zone: str,
    mode: str,
    asked: list[tuple[str, str]],
    first: date | None,
    last: date,
    filters: tuple[str, ...],
) -> None:
    first = first or date(2026, 2, 12)
    of = [("filter", one) for one in filters]
    body = ask("query", *asked, *of, ("compare", mode), ("dimension", "page"))
    found = body["comparison"]
    assert (found["from"], found["to"]) == (str(first), str(last))
    until = None
    if body["to"] == str(TODAY):
        clock = NOW.astimezone(ZoneInfo(zone)).time()
        until = datetime.combine(last, clock, ZoneInfo(zone))
        assert datetime.fromisoformat(found["until"]) == until
    else:
        assert found["until"] is None
    conditions = (
        Condition("country", Operator.IS, ("DE",)),
        Condition("page", Operator.CONTAINS, ("blog",)),
    )
    question = Question(world.site(zone), first, last, until, conditions if filters else ())
    expected = world.counted(question)
    assert found["totals"] == metrics(expected.by(lambda _: "").get("", ZERO))
    pages = expected.listing("page")
    before = {row["value"]: row["before"] for row in body["breakdowns"]["page"]}
    assert before == {value: metrics(pages.get(value, ZERO)) for value in before}
    assert (
        body["meta"]["engine"]
        == {
            (True, True): "events",
            (True, False): "events",
            (False, True): "both",
            (False, False): "rollups",
        }[bool(filters), until is not None]
    )


FILTERS: list[tuple[list[str], tuple[Condition, ...], tuple[Reached, ...]]] = [
    (["page:/pricing"], (Condition("page", Operator.IS, ("/pricing",)),), ()),
    ([r"page:/|/blog/b\|c"], (Condition("page", Operator.IS, ("/", "/blog/b|c")),), ()),
    (["entry_page!:/"], (Condition("entry_page", Operator.IS_NOT, ("/",)),), ()),
    (["source:@direct"], (Condition("source", Operator.IS, ("\0direct",)),), ()),
    (["country!:@not_set"], (Condition("country", Operator.IS_NOT, ("\0not set",)),), ()),
    (["screen:1440-1919"], (Condition("screen", Operator.IS, ("1440-1919",)),), ()),
    (
        ["event:signup", "prop:plan!:free"],
        (
            Condition("event", Operator.IS, ("signup",)),
            Condition("prop:plan", Operator.IS_NOT, ("free",)),
        ),
        (),
    ),
    (["goal:Signup|Blog"], (), (Reached((SIGNUP, BLOG)),)),
    (["goal!:Order"], (), (Reached((ORDER,), True),)),
    (
        ["country:DE|FR", "device:Mobile", "page~:weiß"],
        (
            Condition("country", Operator.IS, ("DE", "FR")),
            Condition("device", Operator.IS, ("Mobile",)),
            Condition("page", Operator.CONTAINS, ("weiß",)),
        ),
        (),
    ),
]


@pytest.mark.parametrize(
    ("zone", "texts", "conditions", "reached"),
    [(ZONES[place % 3], *case) for place, case in enumerate(FILTERS)],
    ids=lambda one: str(one)[:30],
    indirect=["zone"],
)
def test_a_filter_is_answered_exactly(
    world: World,
    zone: str,
    texts: list[str],
    conditions: tuple[Condition, ...],
    reached: tuple[Reached, ...],
) -> None:
    first, last = date(2026, 10, 20), TODAY
    days = [("from", str(first)), ("to", str(last))]
    of = [("filter", text) for text in texts]
    expected = world.counted(Question(world.site(zone), first, last, None, conditions, reached))
    body = ask("query", *days, *of, ("goal", "Order"))
    total = expected.by(lambda _: "").get("", ZERO)
    visitors, _, conversions = expected.goal(ORDER)
    rate = round(visitors / total.visitors, 4) if total.visitors else None
    assert body["totals"] == {
        **metrics(total),
        "conversions": conversions,
        "conversion_rate": rate,
    }
    assert sum(point["conversions"] for point in body["series"]) == conversions
    by_day = expected.days()
    for point in body["series"]:
        row = by_day.get(date.fromisoformat(point["start"][:10]), ZERO)
        assert {name: point[name] for name in metrics(ZERO)} == metrics(row)
    for dimension in ("page", "source", "country", "entry_page", "event", "city"):
        rows = body["breakdowns"][dimension]
        assert by_value(rows) == documents(expected.listing(dimension)), dimension
    listed = ask("query", *days, *of, ("dimension", "prop:plan"), ("metrics", "revenue"))
    assert by_value(listed["breakdowns"]["prop:plan"]) == documents(expected.listing("prop:plan"))
    revenue = {currency: Decimal(sum_) for currency, sum_ in listed["totals"]["revenue"].items()}
    assert revenue == expected.revenue()


def test_goals_and_funnels_are_exact(world: World, zone: str) -> None:
    first, last = date(2026, 8, 1), date(2026, 10, 31)
    days = [("from", str(first)), ("to", str(last))]
    expected = world.counted(Question(world.site(zone), first, last))
    body = ask("goals", *days)
    assert body["visitors"] == totals(world.days[zone], first, last).visitors
    rows = {row["name"]: row for row in body["goals"]}
    assert list(rows) == ["Signup", "Order", "Blog", "404 pages", "Outbound links"]
    for name, goal in (("Signup", SIGNUP), ("Order", ORDER), ("Blog", BLOG)):
        visitors, _, conversions = expected.goal(goal)
        found = rows[name]
        assert (found["visitors"], found["conversions"]) == (visitors, conversions)
        assert found["conversion_rate"] == round(visitors / body["visitors"], 4)
        assert conversions > 10
    assert Decimal(rows["Order"]["revenue"]["EUR"]) == expected.revenue()["EUR"]
    assert {one["name"] for one in body["events"]} == {"signup", "order"}
    assert [one["name"] for one in body["properties"]] == ["plan"]
    steps = [("step", one) for one in ("page:/", "page:/blog/*", "goal:Order")]
    funnel = ask("funnel", *days, *steps)
    home = Goal((Condition("page", Operator.IS, ("/",)),))
    reached = expected.funnel([home, BLOG, ORDER])
    assert [step["visits"] for step in funnel["steps"]] == reached
    assert funnel["steps"][2]["rate"] == round(reached[2] / reached[0], 4)
    assert reached[2] > 0
