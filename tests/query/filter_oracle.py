"""The filters of docs/metrics.md, by its words: all events at once, in plain Python."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from aggregates.rollup import ZERO, Counters
from aggregates.value import DIRECT, NOT_SET, value_of
from query.question import Condition, Goal, Operator, Question, Reached
from schemas.event import Context, Event, EventBatch, EventType
from tests import oracle

Seen = tuple[Event, Context]
VISITS_OWN = {
    *("source", "channel", "country", "browser", "os", "device", "language", "referrer"),
    *("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "region", "city"),
    *("entry_page", "exit_page", "screen"),
}
NOT_LISTED_WITHOUT = {
    *("referrer", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"),
    *("region", "city", "screen"),
}
OF_CONTEXT = {"country", "browser", "os", "device", "language", "region", "city"}


@dataclass
class Visit:
    visitor: bytes
    seen: list[Seen]

    @property
    def first(self) -> Event:
        return self.seen[0][0]

    @property
    def views(self) -> list[Event]:
        return [event for event, _ in self.seen if event.event_type is EventType.PAGE_VIEW]

    @property
    def bounced(self) -> bool:
        custom = any(event.event_type is EventType.CUSTOM for event, _ in self.seen)
        return len(self.views) == 1 and not custom

    @property
    def duration_ms(self) -> int:
        return 0 if self.bounced else self.seen[-1][0].occurred_at - self.first.occurred_at

    def value(self, dimension: str) -> str:
        event, context = self.seen[0]
        if dimension == "screen":
            width = event.screen_width
            classes = ((1920, ">= 1920"), (1440, "1440-1919"), (992, "992-1439"), (576, "576-991"))
            named = next((name for least, name in classes if width >= least), "< 576")
            return named if width else NOT_SET
        if dimension in {"entry_page", "exit_page"}:
            views = self.views
            page = views[0 if dimension == "entry_page" else -1].page if views else ""
            return value_of(page, NOT_SET)
        text = getattr(context if dimension in OF_CONTEXT else event, dimension)
        return value_of(text, DIRECT if dimension == "source" else NOT_SET)


def visits_of(batches: Iterable[EventBatch], until: datetime | None) -> list[Visit]:
    known: set[tuple[bytes, bytes]] = set()
    streams: dict[bytes, list[Seen]] = defaultdict(list)
    for batch in batches:
        for event in batch.events:
            if (batch.visitor_id, event.event_id) in known:
                continue
            known.add((batch.visitor_id, event.event_id))
            if until is None or event.occurred_at < until.timestamp() * 1000:
                streams[batch.visitor_id].append((event, batch.context))
    visits: list[Visit] = []
    for visitor, seen in streams.items():
        seen.sort(key=lambda pair: (pair[0].occurred_at, pair[0].event_id))
        for place, pair in enumerate(seen):
            before = seen[place - 1][0].occurred_at if place else None
            if before is None or pair[0].occurred_at - before > 30 * 60_000:
                visits.append(Visit(visitor, []))
            visits[-1].seen.append(pair)
    return visits


def event_value(event: Event, dimension: str) -> str:
    if dimension.startswith("prop:"):
        return value_of(event.props.get(dimension[5:], ""), NOT_SET)
    return value_of(getattr(event, "name" if dimension == "event" else dimension), NOT_SET)


def holds(one: Condition, value: str) -> bool:
    match one.operator:
        case Operator.IS:
            return value in one.values
        case Operator.IS_NOT:
            return value not in one.values
        case Operator.CONTAINS:
            return "\0" not in value and any(text in value for text in one.values)
        case Operator.MATCHES:
            return "\0" not in value and any(fits(value, text) for text in one.values)


def fits(value: str, pattern: str) -> bool:
    """Say whether a value fits a pattern: each part is behind the one before, nothing is left."""
    if not pattern:
        return not value
    if pattern[0] == "*":
        return any(fits(value[place:], pattern[1:]) for place in range(len(value) + 1))
    return value[:1] == pattern[0] and fits(value[1:], pattern[1:])


class Filter:
    """The conditions of a question, sorted as docs/metrics.md does under 1."""

    def __init__(self, question: Question) -> None:
        of_events = [one for one in question.conditions if one.dimension not in VISITS_OWN]
        self.of_visits = [one for one in question.conditions if one.dimension in VISITS_OWN]
        self.without = [one for one in of_events if one.operator is Operator.IS_NOT]
        wanted = [one for one in of_events if one.operator is not Operator.IS_NOT]
        self.pages = [one for one in wanted if one.dimension == "page"]
        self.names = [one for one in wanted if one.dimension == "event"]
        hosts = [one for one in wanted if one.dimension == "hostname"]
        props = [one for one in wanted if one.dimension.startswith("prop:")]
        self.rest_of_customs = hosts + (props if self.names or not self.pages else [])
        self.rest_of_views = hosts + ([] if self.names else props)
        self.reached = question.reached

    def rest(self, event: Event) -> bool:
        custom = event.event_type is EventType.CUSTOM
        rest = self.rest_of_customs if custom else self.rest_of_views
        return all(holds(one, event_value(event, one.dimension)) for one in rest)

    def meets(self, event: Event, one: Condition) -> bool:
        is_custom = event.event_type is EventType.CUSTOM
        if is_custom is not (one.dimension == "event"):
            return False
        return holds(one, event_value(event, one.dimension)) and self.rest(event)

    def decides(self, event: Event) -> bool:
        """Say whether an event makes 2 hold."""
        if self.pages or self.names:
            return any(self.meets(event, one) for one in (*self.pages, *self.names))
        return self.rest(event)

    def keeps(self, visit: Visit) -> bool:
        events = [event for event, _ in visit.seen]
        if not all(holds(one, visit.value(one.dimension)) for one in self.of_visits):
            return False
        for one in (*self.pages, *self.names):
            if not any(self.meets(event, one) for event in events):
                return False
        if not any(self.decides(event) for event in events):
            return False
        if any(has_not(event, one) for event in events for one in self.without):
            return False
        return all(was_reached(visit, one) for one in self.reached)

    def counts(self, event: Event) -> bool:
        named = self.names if event.event_type is EventType.CUSTOM else self.pages
        return self.rest(event) and (not named or any(self.meets(event, one) for one in named))


def has_not(event: Event, one: Condition) -> bool:
    """Say whether an event is such that `is not` keeps no visit with it."""
    is_custom = event.event_type is EventType.CUSTOM
    if one.dimension in {"page", "event"} and is_custom is not (one.dimension == "event"):
        return False
    return event_value(event, one.dimension) in one.values


def was_reached(visit: Visit, one: Reached) -> bool:
    found = any(meets_goal(visit, event, goal) for event, _ in visit.seen for goal in one.goals)
    return found is not one.not_


def meets_goal(visit: Visit, event: Event, goal: Goal) -> bool:
    dimensions = {one.dimension for one in goal.conditions}
    kinds = {EventType.PAGE_VIEW, EventType.CUSTOM}
    if "event" in dimensions:
        kinds = {EventType.CUSTOM}
    elif "page" in dimensions:
        kinds = {EventType.PAGE_VIEW}
    return event.event_type in kinds and all(
        holds(
            one,
            visit.value(one.dimension)
            if one.dimension in VISITS_OWN
            else event_value(event, one.dimension),
        )
        for one in goal.conditions
    )


class Counted:
    """What a question comes to."""

    def __init__(self, batches: Sequence[EventBatch], question: Question) -> None:
        self.question, self.filter = question, Filter(question)
        self.kept = [
            visit for visit in visits_of(batches, question.until) if self.filter.keeps(visit)
        ]

    def by(self, value_of_visit: Callable[[Visit], str | None]) -> dict[str, Counters]:
        """Count by a value of visits; None: they are not counted."""
        rows: dict[str, dict[date, oracle.Row]] = defaultdict(lambda: defaultdict(oracle.Row))
        for visit in self.kept:
            value = value_of_visit(visit)
            if value is None:
                continue
            self._open(visit, rows[value])
            for event, _ in visit.seen:
                row = rows[value][self.day(event)]
                if self.filter.counts(event):
                    add(row, event)
                if self.filter.decides(event):
                    row.visitors.add(visit.visitor)
        return self._summed(rows)

    def ends(self, dimension: str) -> dict[str, Counters]:
        rows: dict[str, dict[date, oracle.Row]] = defaultdict(lambda: defaultdict(oracle.Row))
        for visit in self.kept:
            of = rows[visit.value(dimension)]
            self._open(visit, of)
            of[self.day(visit.first)].visitors.add(visit.visitor)
        return self._summed(rows)

    def days(self) -> dict[date, Counters]:
        return {
            day: self.on(day).get("", ZERO)
            for day in self._days()
            if self.on(day).get("", ZERO) != ZERO
        }

    def on(self, day: date) -> dict[str, Counters]:
        one = Counted.__new__(Counted)
        one.kept, one.filter = self.kept, self.filter
        one.question = Question(self.question.site, day, day)
        return one.by(lambda _: "")

    def of_events(self, dimension: str) -> dict[str, Counters]:
        rows: dict[str, dict[date, oracle.Row]] = defaultdict(lambda: defaultdict(oracle.Row))
        for visit, event in self.counted():
            is_custom = event.event_type is EventType.CUSTOM
            value = event_value(event, dimension)
            if dimension in {"page", "event"} and is_custom is not (dimension == "event"):
                continue
            if dimension.startswith("prop:") and value == NOT_SET:
                continue
            row = rows[value][self.day(event)]
            row.visitors.add(visit.visitor)
            add(row, event)
        return self._summed(rows)

    def listing(self, dimension: str) -> dict[str, Counters]:
        if dimension in {"entry_page", "exit_page"}:
            return self.ends(dimension)
        if dimension in VISITS_OWN:
            skips = dimension in NOT_LISTED_WITHOUT
            found = self.by(lambda visit: visit.value(dimension))
            return {
                value: counters
                for value, counters in found.items()
                if not (skips and value == NOT_SET)
            }
        return self.of_events(dimension)

    def counted(self) -> list[tuple[Visit, Event]]:
        """Give the counted events in the range."""
        return [
            (visit, event)
            for visit in self.kept
            for event, _ in visit.seen
            if self.filter.counts(event) and self.is_within(event)
        ]

    def goal(self, goal: Goal) -> tuple[int, int, int]:
        """Give visitors, visits and conversions."""
        met = [
            (visit, event)
            for visit in self.kept
            for event, _ in visit.seen
            if meets_goal(visit, event, goal) and self.is_within(event)
        ]
        visitors = {(visit.visitor, self.day(event)) for visit, event in met}
        visits = {(visit.visitor, visit.first.occurred_at) for visit, _ in met}
        return len(visitors), len(visits), len(met)

    def funnel(self, steps: Sequence[Goal]) -> list[int]:
        """Give how many visits came as far as each step."""
        reached = [0] * len(steps)
        for visit in self.kept:
            if not self.is_within(visit.first):
                continue
            done = 0
            for event, _ in visit.seen:
                if done < len(steps) and meets_goal(visit, event, steps[done]):
                    reached[done] += 1
                    done += 1
        return reached

    def revenue(self) -> dict[str, Decimal]:
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for _, event in self.counted():
            if event.revenue is not None:
                sums[event.revenue.currency] += Decimal(event.revenue.amount)
        return dict(sums)

    def scroll(self) -> tuple[float, float] | None:
        """The mean of the deepest places, and the share of those at 90 percent or deeper."""
        deepest: dict[tuple[bytes, int, str], int] = {}
        for visit, event in self.counted():
            if event.event_type is not EventType.CUSTOM and event.scroll_depth > 0:
                key = visit.visitor, visit.first.occurred_at, event.page
                deepest[key] = max(event.scroll_depth, deepest.get(key, 0))
        if not deepest:
            return None
        read = sum(depth >= 90 for depth in deepest.values())
        return sum(deepest.values()) / len(deepest), read / len(deepest)

    def day(self, event: Event) -> date:
        return oracle._local(event.occurred_at, self.question.site.timezone)[0]

    def is_within(self, event: Event) -> bool:
        return self.question.first <= self.day(event) <= self.question.last

    def _days(self) -> set[date]:
        days = {self.day(event) for visit in self.kept for event, _ in visit.seen}
        return {day for day in days if self.question.first <= day <= self.question.last}

    def _open(self, visit: Visit, rows: dict[date, oracle.Row]) -> None:
        row = rows[self.day(visit.first)]
        row.visits += 1
        row.bounces += visit.bounced
        row.duration_ms += visit.duration_ms

    def _summed(self, rows: dict[str, dict[date, oracle.Row]]) -> dict[str, Counters]:
        sums: dict[str, Counters] = {}
        for value, days in rows.items():
            total = ZERO
            for day, row in days.items():
                if self.question.first <= day <= self.question.last:
                    total = total.plus(row.counters())
            if total != ZERO:
                sums[value] = total
        return sums


def add(row: oracle.Row, event: Event) -> None:
    row.pageviews += event.event_type is EventType.PAGE_VIEW
    row.events += event.event_type is EventType.CUSTOM
    row.engaged_ms += event.engaged_ms
