"""What the routes answer, as types. Every answer that a test of the API gets is read by them.

A field with a default may be missing.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from runtime.sites.goals import MAX_NAME

Moment = Annotated[str, Field(description="RFC 3339.")]
Day = Annotated[str, Field(description="A site-local day, such as 2026-11-27.")]
Rate = Annotated[float | None, Field(description="Null where there is nothing to divide by.")]
Money = Annotated[dict[str, str], Field(description="Decimal numbers by ISO 4217 currency.")]


class Shape(BaseModel):
    """A part of an answer: with these fields and no others."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Metrics(Shape):
    """The metrics of docs/metrics.md."""

    visitors: int
    visits: int
    pageviews: int
    events: int
    bounce_rate: Rate
    visit_duration_seconds: Rate
    views_per_visit: Rate
    engaged_seconds: float


class More(Metrics):
    """Metrics, with those that were asked for beside."""

    conversions: int = 0
    conversion_rate: Rate = None
    scroll_depth: float | None = None
    read_rate: Rate = None
    revenue: Money = {}


class Point(More):
    """A point of a series."""

    start: Moment


class Value(Shape):
    """What a row is of. `kind`: it counts no value, and `value` is for people."""

    value: str
    kind: Literal["not_set", "direct", "other"] = "other"


class ValueRow(More, Value):
    """What is counted of a value, and was in what is compared with."""

    before: More | None = None


class Head(Shape):
    """What an answer about a range of days begins with."""

    site_id: str
    from_: Day = Field(alias="from")
    to: Day
    timezone: str
    as_of: Moment | None
    lag_ms: int | None


class Stats(Head):
    """The answer of GET /api/stats: an overview, or one breakdown."""

    totals: More
    interval: Literal["hour", "day", "week", "month"] = "day"
    series: list[Point] = []
    dimension: str = ""
    values: int = 0
    offset: int = 0
    breakdowns: dict[str, list[ValueRow]]


class Meta(Shape):
    """How an answer was found."""

    engine: Literal["rollups", "events", "both"]
    rows: int
    bytes: int
    milliseconds: float


class Comparison(Shape):
    """What was compared with."""

    mode: Literal["previous", "weekday", "year", "custom"]
    from_: Day = Field(alias="from")
    to: Day
    until: Moment | None
    totals: More | None = None
    series: list[Point] = []


class Compared(Shape):
    """What an answer says of its comparison."""

    comparison: Comparison | None = None
    comparison_reason: Literal["no_earlier_data", "not_ready"] = "no_earlier_data"
    meta: Meta


class Query(Stats, Compared):
    """The answer of GET /api/query."""


class Property(Shape):
    """A property that an event must have."""

    name: str
    value: str


class Goal(Shape):
    """What visitors are to do: see a page, or cause an event."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    page: str | None = None
    event: str | None = None
    property: Property | None = None
    has_revenue: bool = False
    is_ready_made: bool = False


class Reached(Shape):
    """How often a goal was reached."""

    visitors: int
    conversions: int
    conversion_rate: Rate
    revenue: Money = {}


class GoalRow(Goal, Reached):
    """A goal, and how often it was reached."""

    before: Reached | None = None


class Name(Shape):
    """A name that came, and how often."""

    name: str
    events: int


class Goals(Head, Compared):
    """The answer of GET /api/goals."""

    visitors: int
    goals: list[GoalRow]
    events: list[Name]
    properties: list[Name]


class GoalsOfSite(Shape):
    """The answer of POST /api/goals."""

    site_id: str
    goals: list[Goal]


class NewGoal(Shape):
    """A goal that is to be added or changed."""

    goal: Goal


class NoGoal(Shape):
    """The name of a goal that is to go."""

    remove: str


class Step(Shape):
    """A step of a funnel."""

    step: str
    visits: int
    visitors: int
    rate: Rate
    rate_of_step: Rate


class Funnel(Head):
    """The answer of GET /api/funnel."""

    visitors: int
    visits: int
    steps: list[Step]
    meta: Meta


class TopRow(Value):
    """Where current visitors are."""

    visitors: int
    pageviews: int = 0


class Realtime(Shape):
    """The answer of GET /api/realtime."""

    site_id: str
    as_of: Moment | None
    lag_ms: int | None
    current_visitors: int
    complete: bool
    pageviews_per_minute: list[int]
    top: dict[str, list[TopRow]]


class LiveEvent(Shape):
    """An event that arrived."""

    at: Moment
    kind: Literal["page_view", "event"]
    page: str
    name: str | None
    source: str | None
    country: str | None
    city: str | None
    device: str | None
    visit: str | None


class LiveEvents(Shape):
    """The answer of GET /api/live/events."""

    site_id: str
    at: Moment
    as_of: Moment | None
    lag_ms: int | None
    shows_visits: bool
    events: list[LiveEvent]


class VisitStep(Shape):
    """A page view or event of a visit."""

    at: Moment
    visit: int
    kind: Literal["page_view", "event"]
    page: str
    title: str | None
    name: str | None
    seconds: float | None
    engaged_seconds: float
    scroll_depth: int


class Visit(Shape):
    """The answer of GET /api/live/visit."""

    visit: str
    site_id: str
    started_at: Moment
    ended_at: Moment
    duration_seconds: float
    source: str | None
    country: str | None
    region: str | None
    city: str | None
    device: str | None
    browser: str | None
    os: str | None
    language: str | None
    pageviews: int
    events: int
    left_out: int
    timeline: list[VisitStep]


class Account(Shape):
    """What became of hits."""

    received: int
    accepted: int
    duplicates: int
    rejected: dict[str, int]
    archived: int
    counted: int
    balanced: bool
    unaccounted: int
    unarchived: int
    uncounted: int


class DayAccount(Account):
    """What became of the hits of a day."""

    day: Day


class Break(Shape):
    """What is lost, or does not move."""

    what: str
    where: str
    day: Day | None


class Waiting(Shape):
    """What waits."""

    where: str
    count: int
    oldest: Moment | None


class Reconciliation(Head, Account):
    """The answer of GET /api/reconciliation."""

    compared_from: Day | None
    state: Literal["balanced", "in_flight", "broken"]
    in_flight: int
    oldest: Moment | None
    broken: list[Break]
    waiting: list[Waiting]
    dead_letters: int
    witnesses: list[str]
    days: list[DayAccount]


class Building(Shape):
    """A generation that is being built."""

    generation: int
    timezone: str
    from_: Day | None = Field(alias="from")
    to: Day | None
    started_at: Moment
    stage: str
    done: int
    total: int | None
    rate: float | None
    told_at: Moment | None
    is_silent: bool
    compared_days: int | None
    differences: int | None
    is_asked_for: bool


class Kept(Shape):
    """A generation that counted before."""

    generation: int
    timezone: str
    replaced_at: Moment
    until: Moment
    is_asked_for: bool


class Difference(Shape):
    """What differs on a day."""

    day: Day
    dimension: str
    metric: str
    values: int
    before: int
    after: int


class Differences(Shape):
    """What a generation would change."""

    days: list[Day]
    next: Day | None
    rows: list[Difference]


class Rebuild(Shape):
    """The answer of GET and POST /api/rebuild."""

    site_id: str
    state: Literal["none", "building", "ready", "kept"]
    generation: int
    timezone: str
    building: Building | None
    kept: Kept | None
    differences: Differences | None


class Wish(Shape):
    """What an owner asks for."""

    action: Literal["flip", "roll_back"]
    generation: int


class RejectedHit(Shape):
    """An event that was refused."""

    index: int
    code: str
    field: str


class Verdicts(Shape):
    """The answer of POST /api/events."""

    accepted: int
    duplicates: int
    rejected: list[RejectedHit]


class Token(Shape):
    """The answer of POST /api/csrf-token.

    What became of the events that came with the question is in it where the site took them.
    """

    csrf_token: str
    expires_in: int
    accepted: int = 0
    duplicates: int = 0
    rejected: list[RejectedHit] = []


class ProblemDocument(Shape):
    """What went wrong (RFC 9457)."""

    type: Literal["about:blank"]
    title: str
    status: int
    code: str
    detail: str


def schema_of(shape: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of a shape; what it is made of is named by `#/components/schemas`."""
    return shape.model_json_schema(ref_template="#/components/schemas/{model}")
