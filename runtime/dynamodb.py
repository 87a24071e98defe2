"""DynamoDB as the stores use it: plain attributes in and out, bounded threads, faults as errors.

Every table has the string keys `pk` and, but for two, `sk`; items expire by `expires_at`.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cache, partial
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar

from runtime.aws import THREADS, client, translated
from runtime.backoff import Backoff
from runtime.deadline import ENOUGH_TIME_SECONDS
from runtime.errors import PermanentError, RetryableError
from runtime.metering import READ_UNIT, WRITE_UNIT, Meter, Units, container_meter, rounded_up

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        DeleteItemInputTypeDef,
        PutItemInputTypeDef,
        QueryInputTypeDef,
        ScanInputTypeDef,
    )

Item = dict[str, Any]
"""Attributes by name: numbers, strings, bytes, and maps of them."""

T = TypeVar("T")
R = TypeVar("R")

GET_LIMIT = 100
WRITE_LIMIT = 25
MAX_ITEM_BYTES = 400 * 1024
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html"""

MAX_ROUNDS = 8
"""How often what DynamoDB left unprocessed is sent again: about 2 s of waiting."""

MAP_OVERHEAD = 3
ELEMENT_OVERHEAD = 1


@dataclass(frozen=True, slots=True)
class Condition:
    """When a write may happen. `values` are named `:name` in the expression."""

    expression: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Items of one `pk` with `sk` from `first` to `last`, both ends included."""

    pk: str
    first: str
    last: str


class Dynamo:
    """A DynamoDB client with what every store needs around it.

    Args:
        client: of boto3; its connection pool should hold `threads`.
        meter: counts requests and units, and weighs items; also one that is too large.
        remaining: says how many seconds the invocation has left.
        backoff: waits before what was left unprocessed is sent again.
        threads: how many calls run at the same time.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        meter: Meter | None = None,
        remaining: Callable[[], float] = lambda: math.inf,
        backoff: Backoff | None = None,
        threads: int = THREADS,
    ) -> None:
        self._client = client
        self._meter = meter or Meter()
        self._remaining = remaining
        self._backoff = backoff or Backoff()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="dynamodb")

    def get(self, table: str, keys: Sequence[Item]) -> list[Item]:
        """Return the items that are there, in no order, as of now.

        Raises:
            RetryableError: DynamoDB did not answer, or is throttling.
        """
        return [
            one for found in self.each(partial(self._get, table), _parts(keys)) for one in found
        ]

    def put(self, table: str, item: Item, condition: Condition) -> Item | None:
        """Write an item on a condition.

        Returns:
            None where it was written; else what stands there, empty where nothing does. After an
            acknowledgement was lost and the client has repeated the write, that is the item itself.

        Raises:
            RetryableError: it was not written, or may not have been.
            PermanentError: the item is too large for DynamoDB.
        """
        request: PutItemInputTypeDef = {
            "TableName": table,
            "Item": _marshalled(item),
            "ConditionExpression": condition.expression,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if condition.values:
            request["ExpressionAttributeValues"] = _marshalled(condition.values)
        self._begin_write(table, [item])
        with translated(f"writing to {table}"):
            try:
                self._client.put_item(**request)
            except self._client.exceptions.ConditionalCheckFailedException as error:
                return _unmarshalled(error.response.get("Item", {}))  # type: ignore[arg-type]
        return None

    def put_all(self, table: str, items: Sequence[Item]) -> None:
        """Write items, whatever stands there; no two may have the same key.

        Raises:
            RetryableError: some may be written and some not.
            PermanentError: an item is too large for DynamoDB; some may be written and some not.
        """
        self.each(partial(self._put_part, table), _parts(items, WRITE_LIMIT))

    def delete(self, table: str, key: Item, condition: Condition) -> bool:
        """Delete an item on a condition; say whether it was met.

        After an acknowledgement was lost and the client has repeated the call, it is not.

        Raises:
            RetryableError: it was not deleted, or may not have been.
        """
        request: DeleteItemInputTypeDef = {
            "TableName": table,
            "Key": _marshalled(key),
            "ConditionExpression": condition.expression,
        }
        if condition.values:
            request["ExpressionAttributeValues"] = _marshalled(condition.values)
        self._begin_write(table, [key])
        with translated(f"deleting from {table}"):
            try:
                self._client.delete_item(**request)
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def delete_all(self, table: str, keys: Sequence[Item]) -> None:
        """Delete items, whatever they hold; no two keys may be the same.

        Raises:
            RetryableError: some may be gone and some not.
        """
        self.each(partial(self._delete_part, table), _parts(keys, WRITE_LIMIT))

    def query(self, table: str, within: KeyRange, *, consistent: bool = True) -> Iterator[Item]:
        """Yield the items of a range in order.

        Args:
            table: where they are.
            within: their keys.
            consistent: as of now; else perhaps as of a second ago, for half the units.

        Raises:
            RetryableError: DynamoDB did not answer, or is throttling.
        """
        request: QueryInputTypeDef = {
            "TableName": table,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":pk": {"S": within.pk},
                ":first": {"S": within.first},
                ":last": {"S": within.last},
            },
            "ConsistentRead": consistent,
        }
        while True:
            with translated(f"reading {table}"):
                answer = self._client.query(**request)
            yield from self._read(answer["Items"], READ_UNIT if consistent else 2 * READ_UNIT)
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def scan(self, table: str, *, having: str) -> Iterator[Item]:
        """Yield every item of a table that has an attribute, in no order, as of now.

        Raises:
            RetryableError: DynamoDB did not answer, or is throttling.
        """
        request: ScanInputTypeDef = {
            "TableName": table,
            "FilterExpression": f"attribute_exists({having})",
            "ConsistentRead": True,
        }
        while True:
            with translated(f"reading {table}"):
                answer = self._client.scan(**request)
            yield from self._read(answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def each(self, work: Callable[[T], R], things: Sequence[T]) -> list[R]:
        """Do some work for each thing, in threads; after the first error nothing more is begun.

        When it returns or raises, no thread is at work any more.
        """
        if len(things) == 1:
            return [work(things[0])]
        failed = Event()

        def unless_failed(thing: T) -> R:
            if failed.is_set():
                raise CancelledError
            try:
                return work(thing)
            except BaseException:
                failed.set()
                raise

        futures = [self._threads.submit(unless_failed, thing) for thing in things]
        wait(futures)
        if error := next(filter(None, map(_error, futures)), None):
            raise error
        return [future.result() for future in futures]

    def _get(self, table: str, keys: Sequence[Item]) -> list[Item]:
        pending: Sequence[Any] = [_marshalled(key) for key in keys]
        found: list[Item] = []
        for failures in range(1, MAX_ROUNDS + 1):
            with translated(f"reading {table}"):
                answer = self._client.batch_get_item(
                    RequestItems={table: {"Keys": pending, "ConsistentRead": True}}
                )
            items = [_unmarshalled(one) for one in answer["Responses"].get(table, [])]
            left = answer["UnprocessedKeys"].get(table, {"Keys": []})["Keys"]
            missing = len(pending) - len(left) - len(items)  # each costs a unit as well
            units = missing + sum(rounded_up(item_size(one), READ_UNIT) for one in items)
            self._meter.add(Units(requests=1, read_units=units))
            found += items
            if not left:
                return found
            pending = left
            self._backoff.wait(failures)
        raise RetryableError(f"reading {table}: {len(pending)} keys were left unprocessed")

    def _put_part(self, table: str, items: Sequence[Item]) -> None:
        self._begin_write(table, items)
        self._write_part(table, [{"PutRequest": {"Item": _marshalled(item)}} for item in items])

    def _delete_part(self, table: str, keys: Sequence[Item]) -> None:
        self._begin_write(table, keys)
        self._write_part(table, [{"DeleteRequest": {"Key": _marshalled(key)}} for key in keys])

    def _write_part(self, table: str, requests: Sequence[Any]) -> None:
        pending = requests
        for failures in range(1, MAX_ROUNDS + 1):
            with translated(f"writing to {table}"):
                answer = self._client.batch_write_item(RequestItems={table: pending})
            pending = answer["UnprocessedItems"].get(table, [])
            if not pending:
                return
            self._backoff.wait(failures)
            self._begin_write(table, [])
        raise RetryableError(f"writing to {table}: {len(pending)} items were left unprocessed")

    def _begin_write(self, table: str, items: Sequence[Item]) -> None:
        sizes = [item_size(item) for item in items]
        for item, size in zip(items, sizes, strict=True):
            self._meter.add_item(table, size)
            if size > MAX_ITEM_BYTES:
                key = {name: item[name] for name in ("pk", "sk") if name in item}
                raise PermanentError(
                    f"{table} cannot hold {key}: the item takes {size} bytes, "
                    f"DynamoDB takes {MAX_ITEM_BYTES}"
                )
        left = self._remaining()
        if left < ENOUGH_TIME_SECONDS:
            raise RetryableError(
                f"writing to {table}: only {left:.1f} s of the invocation are left"
            )
        units = sum(rounded_up(size, WRITE_UNIT) for size in sizes)
        self._meter.add(Units(requests=1, write_units=units))

    def _read(
        self, raw: Sequence[Mapping[str, "AttributeValueTypeDef"]], bytes_a_unit: int = READ_UNIT
    ) -> list[Item]:
        items = [_unmarshalled(one) for one in raw]
        units = rounded_up(sum(map(item_size, items)), bytes_a_unit)
        self._meter.add(Units(requests=1, read_units=units))
        return items


@cache
def container_dynamo(remaining: Callable[[], float] = lambda: math.inf) -> Dynamo:
    """Return the client of this container, which its stores share.

    Args:
        remaining: says how many seconds the invocation has left.
    """
    return Dynamo(client("dynamodb"), container_meter(), remaining)


def item_size(item: Mapping[str, Any]) -> int:
    """Return how many bytes DynamoDB counts for an item.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def marshal(value: Any) -> "AttributeValueTypeDef":
    """Return a value as DynamoDB's API takes it. boto3's own serializer takes 3.6 times as long.

    Raises:
        TypeError: DynamoDB, or this code, has no such type.
    """
    match value:
        case int():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case bytes():
            return {"B": value}
        case dict():
            return {"M": {name: marshal(inner) for name, inner in value.items()}}
    raise TypeError(f"{type(value).__name__} is no attribute")


def unmarshal(value: "AttributeValueTypeDef") -> Any:
    """Return what `marshal` was given."""
    match value:
        case {"N": str(digits)}:
            return int(digits)
        case {"S": str(text)}:
            return text
        case {"B": bytes(raw)}:
            return raw
        case {"M": dict(inner)}:
            return {name: unmarshal(one) for name, one in inner.items()}
    raise TypeError(f"{list(value)} is no attribute of ours")


def _marshalled(item: Mapping[str, Any]) -> dict[str, "AttributeValueTypeDef"]:
    return {name: marshal(value) for name, value in item.items()}


def _unmarshalled(raw: Mapping[str, "AttributeValueTypeDef"]) -> Item:
    return {name: unmarshal(value) for name, value in raw.items()}


def _size(value: Any) -> int:
    match value:
        case int():
            digits = len(str(abs(value)).strip("0"))
            return (digits + 1) // 2 + 1 + (value < 0)
        case str():
            return len(value.encode())
        case bytes():
            return len(value)
        case _:
            return MAP_OVERHEAD + item_size(value) + ELEMENT_OVERHEAD * len(value)


def _parts(things: Sequence[T], limit: int = GET_LIMIT) -> list[Sequence[T]]:
    return [things[start : start + limit] for start in range(0, len(things), limit)]


def _error(future: "Future[Any]") -> BaseException | None:
    error = future.exception()
    return None if isinstance(error, CancelledError) else error
