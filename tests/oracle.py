"""The definitions of docs/metrics.md, computed from all events at once, with nothing in common
with the incremental fold: sort, cut at the gaps, count."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from aggregates.rollup import ZERO, Counters, Dimension, RowKey
from aggregates.value import DIRECT, NOT_SET, value_of
from schemas.event import Context, Event, EventBatch, EventType

GAP_MS = 30 * 60 * 1000
EVENT_DIMENSIONS = {Dimension.PAGE, Dimension.HOSTNAME, Dimension.EVENT, Dimension.HOUR}


@dataclass(slots=True)
class Row:
    visitors: set[bytes] = field(default_factory=set)
    visits: int = 0
    pageviews: int = 0
    events: int = 0
    bounces: int = 0
    duration_ms: int = 0
    engaged_ms: int = 0

    def counters(self) -> Counters:
        return Counters(
            len(self.visitors),
            self.visits,
            self.pageviews,
            self.events,
            self.bounces,
            self.duration_ms,
            self.engaged_ms,
        )


Days = dict[date, dict[RowKey, Counters]]


def count(batches: Iterable[EventBatch], timezone: str) -> Days:
    """Count everything, each event id of a visitor once, the first arrival of it."""
    rows: dict[tuple[date, RowKey], Row] = defaultdict(Row)
    streams: dict[bytes, list[tuple[Event, Context]]] = defaultdict(list)
    known: set[tuple[bytes, bytes]] = set()
    for batch in batches:
        fresh = 0
        for event in batch.events:
            if (batch.visitor_id, event.event_id) not in known:
                known.add((batch.visitor_id, event.event_id))
                streams[batch.visitor_id].append((event, batch.context))
                fresh += 1
        day = _local(batch.received_at, timezone)[0]
        _account(rows, day, {**said(batch), "counted": fresh})
        _account(rows, day, {"repeated": len(batch.events) - fresh})
    for visitor, events in streams.items():
        ordered = sorted(events, key=lambda pair: (pair[0].occurred_at, pair[0].event_id))
        for visit in _cut(ordered):
            _count_visit(rows, visitor, visit, timezone)
        for event, _context in ordered:
            _count_event(rows, visitor, event, timezone)
    return _by_day(rows)


def archived(batches: Iterable[EventBatch], timezone: str) -> Days:
    """Return the archive consumer's ledger: what the records say became of their hits."""
    rows: dict[tuple[date, RowKey], Row] = defaultdict(Row)
    for batch in batches:
        _account(rows, _local(batch.received_at, timezone)[0], said(batch))
    return _by_day(rows)


def said(batch: EventBatch) -> dict[str, int]:
    """Return what the collector says became of a request's hits."""
    accepted = len(batch.events)
    counts = {
        "received": batch.received or accepted,
        "accepted": accepted,
        "duplicate": batch.duplicates,
    }
    for hit in batch.rejected:
        stage = f"rejected:{hit.code}"
        counts[stage] = counts.get(stage, 0) + 1
    return counts


def _account(rows: dict[tuple[date, RowKey], Row], day: date, counts: Mapping[str, int]) -> None:
    for name, count in counts.items():
        rows[day, (Dimension.INTAKE, name)].events += count


def _by_day(rows: dict[tuple[date, RowKey], Row]) -> Days:
    days: Days = defaultdict(dict)
    for (day, key), row in rows.items():
        counters = row.counters()
        if counters != ZERO:
            days[day][key] = counters
    return dict(days)


def _cut(ordered: list[tuple[Event, Context]]) -> list[list[tuple[Event, Context]]]:
    visits: list[list[tuple[Event, Context]]] = []
    for pair in ordered:
        if visits and pair[0].occurred_at - visits[-1][-1][0].occurred_at <= GAP_MS:
            visits[-1].append(pair)
        else:
            visits.append([pair])
    return visits


@lru_cache(maxsize=4096)
def _local(occurred_at: int, timezone: str) -> tuple[date, str]:
    moment = datetime.fromtimestamp(occurred_at / 1000, UTC)
    day = moment.astimezone(ZoneInfo(timezone)).date()
    return day, f"{int((moment - _midnight(day, timezone)).total_seconds() // 3600):02d}"


@lru_cache(maxsize=4096)
def _midnight(day: date, timezone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(timezone)).astimezone(UTC)


def _count_visit(
    rows: dict[tuple[date, RowKey], Row],
    visitor: bytes,
    visit: list[tuple[Event, Context]],
    timezone: str,
) -> None:
    first, context = visit[0]
    day, hour = _local(first.occurred_at, timezone)
    views = [event for event, _ in visit if event.event_type is EventType.PAGE_VIEW]
    customs = [event for event, _ in visit if event.event_type is EventType.CUSTOM]
    bounced = len(views) == 1 and not customs
    duration = 0 if bounced else visit[-1][0].occurred_at - first.occurred_at
    scoped = _scoped(first, context)
    entry: RowKey = (Dimension.ENTRY_PAGE, _value(views[0].page) if views else NOT_SET)
    exit_: RowKey = (Dimension.EXIT_PAGE, _value(views[-1].page) if views else NOT_SET)
    for key in (*scoped, entry, exit_, (Dimension.HOUR, hour)):
        row = rows[day, key]
        row.visits += 1
        row.bounces += bounced
        row.duration_ms += duration
        row.visitors.add(visitor)
    days: dict[date, Row] = defaultdict(Row)
    for event, _ in visit:
        _add(days[_local(event.occurred_at, timezone)[0]], event)
    for day, seen in days.items():
        for key in scoped:
            row = rows[day, key]
            row.visitors.add(visitor)
            row.pageviews += seen.pageviews
            row.events += seen.events
            row.engaged_ms += seen.engaged_ms


def _scoped(first: Event, context: Context) -> list[RowKey]:
    values = {
        Dimension.TOTAL: "",
        Dimension.SOURCE: _value(first.source, DIRECT),
        Dimension.CHANNEL: _value(first.channel),
        Dimension.COUNTRY: _value(context.country),
        Dimension.BROWSER: _value(context.browser),
        Dimension.OS: _value(context.os),
        Dimension.DEVICE: _value(context.device),
        Dimension.LANGUAGE: _value(context.language),
    }
    optional = {
        Dimension.REFERRER: first.referrer,
        Dimension.UTM_SOURCE: first.utm_source,
        Dimension.UTM_MEDIUM: first.utm_medium,
        Dimension.UTM_CAMPAIGN: first.utm_campaign,
        Dimension.UTM_TERM: first.utm_term,
        Dimension.UTM_CONTENT: first.utm_content,
        Dimension.REGION: context.region,
        Dimension.CITY: context.city,
    }
    listed = ((key, _value(text)) for key, text in optional.items() if text)
    return [*values.items(), *listed]


@lru_cache(maxsize=4096)
def _value(text: str, empty: str = NOT_SET) -> str:
    return value_of(text, empty)


def _count_event(
    rows: dict[tuple[date, RowKey], Row], visitor: bytes, event: Event, timezone: str
) -> None:
    day, hour = _local(event.occurred_at, timezone)
    keys: list[RowKey] = [(Dimension.HOUR, hour), (Dimension.HOSTNAME, _value(event.hostname))]
    if event.event_type is EventType.CUSTOM:
        keys.append((Dimension.EVENT, _value(event.name)))
    else:
        keys.append((Dimension.PAGE, _value(event.page)))
    for key in keys:
        row = rows[day, key]
        row.visitors.add(visitor)
        _add(row, event)


def _add(row: Row, event: Event) -> None:
    row.pageviews += event.event_type is EventType.PAGE_VIEW
    row.events += event.event_type is EventType.CUSTOM
    row.engaged_ms += event.engaged_ms
