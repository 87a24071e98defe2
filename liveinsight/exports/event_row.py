"""An exported event as a row, and a row as the event again: nothing is lost either way. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from query.columns import CONTEXT, EVENTS, MEASURES, TEXTS, Kind, Row, Value
from runtime.sites.partitions import MAX_PARTITIONS
from schemas.event import VISITOR_ID_LENGTH, Context, Event, EventType, Revenue

MAX_AVRO_INT = 2**31 - 1
MILLISECOND = timedelta(milliseconds=1)
EPOCH = datetime.fromtimestamp(0, UTC)

_TEXTS, _CONTEXT = attrgetter(*TEXTS), attrgetter(*CONTEXT)

HEX_VISITOR = re.compile(f"[0-9a-f]{{{2 * VISITOR_ID_LENGTH}}}")
DIGITS = re.compile("[0-9]{1,64}")


class ExportedEvent(NamedTuple):
    """One accepted event, with what its request said and where its record lies.

    Times are epoch milliseconds. A named tuple, because one is made for each event.
    """

    day: date
    """Site-local, of `occurred_at`: the day that it is counted on."""
    site_id: str
    visitor_id: bytes
    received_at: int
    context: Context
    event: Event
    arrived_at: int
    partition: int
    shard: str
    sequence_number: int


class RowError(ValueError):
    """A row is not of an event: which column, and what is wrong with it."""


def row_of(exported: ExportedEvent) -> Row:
    """Return an event as a row."""
    event, context = exported.event, exported.context
    row: dict[str, Value] = {
        "day": exported.day.isoformat(),
        "occurred_at": moment(event.occurred_at),
        "site_id": exported.site_id,
        "event_id": uuid_text(event.event_id),
        "event_type": event.event_type.value,
        "visitor_id": exported.visitor_id.hex(),
        "engaged_ms": event.engaged_ms,
        "scroll_depth": event.scroll_depth,
        "screen_width": event.screen_width,
        "received_at": moment(exported.received_at),
        "arrived_at": moment(exported.arrived_at),
        "partition": exported.partition,
        "shard": exported.shard,
        "sequence_number": str(exported.sequence_number),
    }
    row.update([(name, text) for name, text in zip(TEXTS, _TEXTS(event), strict=True) if text])
    row.update(
        [(name, text) for name, text in zip(CONTEXT, _CONTEXT(context), strict=True) if text]
    )
    if event.props:
        row["props"] = event.props
    if event.revenue is not None:
        row["revenue_amount"] = event.revenue.amount
        row["revenue_currency"] = event.revenue.currency
    return row


def event_of(row: Row) -> ExportedEvent:
    """Return the event of a row, whatever stands in it. Columns of another name mean nothing.

    Raises:
        RowError: it is not what `row_of` gives.
    """
    _check_kinds(row)
    texts = _RowTexts(row)
    fields: dict[str, Any] = {name: texts[name] for name in TEXTS}
    fields.update((name, _integer_of(row, name, MAX_AVRO_INT)) for name in MEASURES)
    event = Event(
        event_id=_of("event_id", lambda: UUID(texts["event_id"])).bytes,
        event_type=_of("event_type", lambda: EventType(texts["event_type"])),
        occurred_at=_moment_of(row, "occurred_at"),
        props=_props_of(row),
        revenue=_revenue_of(row),
        **fields,
    )
    return ExportedEvent(
        day=_of("day", lambda: date.fromisoformat(texts["day"])),
        site_id=texts["site_id"],
        visitor_id=bytes.fromhex(_matching(row, "visitor_id", HEX_VISITOR)),
        received_at=_moment_of(row, "received_at"),
        context=Context(*(texts[name] for name in CONTEXT)),
        event=event,
        arrived_at=_moment_of(row, "arrived_at"),
        partition=_integer_of(row, "partition", MAX_PARTITIONS - 1),
        shard=texts["shard"],
        sequence_number=int(_matching(row, "sequence_number", DIGITS)),
    )


def uuid_text(event_id: bytes) -> str:
    """Return an id as UUIDs are written; `uuid.UUID` takes five times as long."""
    digits = event_id.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def moment(milliseconds: int) -> str:
    """Return an instant as RFC 3339 in UTC."""
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[: -len("+00:00")]


class _RowTexts:
    """The texts of a row; what is not set is empty."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self._row = row

    def __getitem__(self, name: str) -> str:
        return str(self._row.get(name, ""))


_TYPES: dict[Kind, type] = {
    **dict.fromkeys((Kind.TEXT, Kind.MOMENT, Kind.DAY), str),
    Kind.INTEGER: int,
    Kind.TEXTS: dict,
}
_COLUMNS = tuple((column.name, _TYPES[column.kind], column.required) for column in EVENTS.columns)


def _check_kinds(row: Row) -> None:
    for name, expected, required in _COLUMNS:
        value = row.get(name)
        if value is None:
            if required:
                raise RowError(f"{name} is missing")
        elif type(value) is not expected:
            raise RowError(f"{name} is {value!a}")


def _of(name: str, read: Any) -> Any:
    try:
        return read()
    except ValueError as error:
        raise RowError(f"{name}: {error}") from error


def _moment_of(row: Row, name: str) -> int:
    instant: datetime = _of(name, lambda: datetime.fromisoformat(str(row[name])))
    if instant.tzinfo is None:
        raise RowError(f"{name} has no time zone: {row[name]!a}")
    return (instant - EPOCH) // MILLISECOND


def _integer_of(row: Row, name: str, most: int) -> int:
    number = row[name]
    if not (isinstance(number, int) and 0 <= number <= most):
        raise RowError(f"{name} is {number!a}")
    return number


def _matching(row: Row, name: str, form: re.Pattern[str]) -> str:
    text = str(row[name])
    if not form.fullmatch(text):
        raise RowError(f"{name} is {text!a}")
    return text


def _props_of(row: Row) -> Mapping[str, str]:
    props = row.get("props", {})
    if not isinstance(props, dict) or not all(
        isinstance(text, str) for pair in props.items() for text in pair
    ):
        raise RowError(f"props are {props!a}")
    return props


def _revenue_of(row: Row) -> Revenue | None:
    amount, currency = row.get("revenue_amount"), row.get("revenue_currency")
    if amount is None and currency is None:
        return None
    if not (isinstance(amount, str) and isinstance(currency, str)):
        raise RowError("revenue_amount and revenue_currency belong together")
    return Revenue(amount, currency)
