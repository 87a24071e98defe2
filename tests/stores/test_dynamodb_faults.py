"""What DynamoDB does besides answering: throttle, leave undone, lose an answer, refuse."""

import json
from dataclasses import replace
from datetime import date
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from moto.core.models import botocore_stubber

from aggregates.rollup import Counters, Dimension, Rollup
from aggregates.stores.dynamodb import (
    NEW,
    DynamoRollupStore,
    DynamoVisitorStore,
    rollup_key,
    visitor_key,
)
from aggregates.stores.ports import RollupKey, StoredRollup, Versioned, VisitorKey
from runtime.dynamodb import Dynamo, item_size, marshal, unmarshal
from runtime.errors import PermanentError, RetryableError
from runtime.metering import Meter, Units
from runtime.sites.site import Site
from tests.aws import NO_WAIT, TWO_ATTEMPTS, Aws, Clients, hooked, json_answer, throttled
from tests.factories import EVENT, RAW, ROLLUP, VISITOR
from tests.whole_days import whole_days

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = RollupKey(1, "my.site", date(2026, 5, 4), 0)
VISITORS = [VisitorKey(1, "my.site", number.to_bytes(8, "big")) for number in range(250)]


def test_throttling_is_a_fault(aws: Aws) -> None:
    store = aws.rollups()
    with hooked(aws.dynamodb, throttled):
        for call in (
            lambda: store.load([KEY]),
            lambda: store.save({KEY: Versioned(ROLLUP, 0)}),
            lambda: whole_days(store, 1, "my.site", KEY.day, KEY.day),
            lambda: aws.events().put([RAW]),
            lambda: list(aws.sites().list()),
        ):
            with pytest.raises(RetryableError, match="ThroughputExceeded"):
                call()


def test_a_service_that_fails_or_is_not_there_is_a_fault(aws: Aws) -> None:
    def fail(request: Any, **_: Any) -> object:
        return json_answer(request, 500, {"__type": "InternalServerError"})

    def vanish(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="dynamodb")

    for hook in (fail, vanish):
        with hooked(aws.dynamodb, hook), pytest.raises(RetryableError):
            aws.rollups().load([KEY])
    with pytest.raises(RetryableError, match="ResourceNotFound"):
        DynamoRollupStore(aws.dynamo, "nowhere").load([KEY])


def test_after_a_fault_no_more_writes_are_begun(aws: Aws) -> None:
    begun: list[int] = []
    numbers = count(1)

    def throttle_the_tenth(request: Any, **_: Any) -> object:
        begun.append(number := next(numbers))
        return throttled(request) if number == 10 else None

    changes = {key: Versioned(VISITOR, 0) for key in VISITORS}
    with hooked(aws.dynamodb, throttle_the_tenth, "PutItem"), pytest.raises(RetryableError):
        aws.visitors().save(changes)
    assert 10 <= len(begun) < len(VISITORS) / 2, "those that began before the answer was read"
    assert sum(one.version for one in aws.visitors().load(VISITORS).values()) == len(begun) - 1


def test_keys_left_unprocessed_are_read_again(aws: Aws) -> None:
    aws.visitors().save({key: Versioned(VISITOR, 0) for key in VISITORS})
    asked: list[int] = []

    def answer_a_third(request: Any, event_name: str, **_: Any) -> object:
        wanted = json.loads(request.body)["RequestItems"]["sessions"]["Keys"]
        asked.append(len(wanted))
        done = max(1, len(wanted) // 3)
        request.body = _request("sessions", {"Keys": wanted[:done], "ConsistentRead": True})
        answer = json.loads(botocore_stubber(event_name, request).content)  # type: ignore[union-attr]
        if wanted[done:]:
            answer["UnprocessedKeys"] = {"sessions": {"Keys": wanted[done:]}}
        return json_answer(request, 200, answer)

    with hooked(aws.dynamodb, answer_a_third, "BatchGetItem"):
        found = aws.visitors().load(VISITORS[:8])
    assert found == {key: Versioned(VISITOR, 1) for key in VISITORS[:8]}
    assert asked == [8, 6, 4, 3, 2, 1]


def test_items_left_unprocessed_are_written_again(aws: Aws) -> None:
    raws = [
        replace(RAW, event=replace(EVENT, event_id=UUID(int=number).bytes)) for number in range(30)
    ]

    def write_half(request: Any, event_name: str, **_: Any) -> object:
        wanted = json.loads(request.body)["RequestItems"]["events"]
        done = -(-len(wanted) // 2)
        request.body = _request("events", wanted[:done])
        answer = json.loads(botocore_stubber(event_name, request).content)  # type: ignore[union-attr]
        if wanted[done:]:
            answer["UnprocessedItems"] = {"events": wanted[done:]}
        return json_answer(request, 200, answer)

    with hooked(aws.dynamodb, write_half, "BatchWriteItem"):
        aws.events().put(raws)
    assert aws.events().session("session-a") == raws


@pytest.mark.parametrize("operation", ["BatchGetItem", "BatchWriteItem"])
def test_what_is_left_unprocessed_for_ever_is_a_fault(aws: Aws, operation: str) -> None:
    def leave_all(request: Any, **_: Any) -> object:
        wanted = json.loads(request.body)["RequestItems"]
        left = {"UnprocessedKeys": wanted, "UnprocessedItems": wanted, "Responses": {}}
        return json_answer(request, 200, left)

    calls: dict[str, Callable[[], object]] = {
        "BatchGetItem": lambda: aws.rollups().load([KEY]),
        "BatchWriteItem": lambda: aws.events().put([RAW]),
    }
    with (
        hooked(aws.dynamodb, leave_all, operation),
        pytest.raises(RetryableError, match="left unprocessed"),
    ):
        calls[operation]()


def test_a_write_that_is_repeated_after_a_lost_answer_is_no_conflict(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    lost: list[str] = []

    def lose_the_first_answer(request: Any, event_name: str, **_: Any) -> None:
        if not lost:
            lost.append(event_name)
            botocore_stubber(event_name, request)
            raise ReadTimeoutError(endpoint_url="dynamodb")

    repeating = Aws(Clients(TWO_ATTEMPTS))
    with hooked(repeating.dynamodb, lose_the_first_answer, "PutItem"):
        assert repeating.rollups().save({KEY: Versioned(ROLLUP, 0)}) == set()
    assert lost
    assert aws.rollups().load([KEY]) == {KEY: Versioned(ROLLUP, 1)}


def test_an_equal_write_of_another_is_a_conflict(aws: Aws) -> None:
    assert aws.rollups().save({KEY: Versioned(ROLLUP, 0)}) == set()
    assert aws.rollups().save({KEY: Versioned(ROLLUP, 0)}) == {KEY}


def test_a_table_with_other_keys_is_a_fault_of_the_table(aws: Aws) -> None:
    """DynamoDB calls that invalid, as it calls an item that is too large."""
    aws.dynamodb.create_table(
        TableName="foreign",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    store = DynamoVisitorStore(aws.dynamo, "foreign")
    with pytest.raises(RetryableError, match="ValidationException"):
        store.load([VISITORS[0]])
    with pytest.raises(RetryableError, match="ValidationException"):
        store.save({VISITORS[0]: Versioned(VISITOR, 0)})


def test_an_item_over_400_kb_can_never_be_written(aws: Aws) -> None:
    large = VISITOR.state._replace(recent_event_ids=(b"8bytes!!",) * 60_000)
    with pytest.raises(PermanentError, match=r"sessions cannot hold .* takes 4\d+ bytes"):
        aws.visitors().save({VISITORS[0]: Versioned(replace(VISITOR, state=large), 0)})


def test_no_write_is_begun_near_the_end_of_the_invocation(aws: Aws) -> None:
    left = [11.0]
    dynamo = Dynamo(aws.dynamodb, remaining=lambda: left[0], backoff=NO_WAIT)
    store = DynamoRollupStore(dynamo, "stats")
    assert store.save({KEY: Versioned(ROLLUP, 0)}) == set()
    left[0] = 9.9
    with pytest.raises(RetryableError, match=r"only 9\.9 s"):
        store.save({KEY: Versioned(ROLLUP, 1)})
    assert store.load([KEY]) == {KEY: Versioned(ROLLUP, 1)}


def test_a_month_of_more_than_a_page_is_read_whole(aws: Aws) -> None:
    """An answer of a query holds at most 1 MB."""
    keys = [KEY._replace(partition=partition) for partition in range(30)]
    bulky = {
        "my.site": [
            {"pk": "1#my.site", "sk": f"open#2026-05-04#{key.partition:04d}#recent"} for key in keys
        ]
    }
    aws.rollups().save({key: Versioned(ROLLUP, 0) for key in keys})
    for item_key in bulky["my.site"]:
        aws.dynamodb.update_item(
            TableName="stats",
            Key={name: {"S": value} for name, value in item_key.items()},
            UpdateExpression="SET ballast = :ballast",
            ExpressionAttributeValues={":ballast": {"B": b"x" * 60_000}},
        )
    aws.meter.take()
    assert [key for key, _ in whole_days(aws.rollups(), 1, "my.site", KEY.day, KEY.day)] == keys
    assert aws.meter.take().requests > 1


def test_units_are_those_of_whole_items(aws: Aws) -> None:
    store = aws.rollups()
    store.save({KEY: Versioned(ROLLUP, 0)})
    assert aws.meter.take() == Units(requests=1, write_units=1)
    store.load([KEY, KEY._replace(partition=1)])
    assert aws.meter.take() == Units(requests=1, read_units=2)
    whole_days(store, 1, "my.site", KEY.day, KEY.day)
    assert aws.meter.take() == Units(requests=1, read_units=1)


def test_item_sizes_are_those_of_the_documentation() -> None:
    assert item_size({"ab": "é"}) == 2 + 2
    assert item_size({"a": b"123"}) == 1 + 3
    assert item_size({"a": 0}) == 1 + 1
    assert item_size({"a": -1200}) == 1 + 1 + 1 + 1
    assert item_size({"a": 1_777_000_000_123}) == 1 + 7 + 1
    assert item_size({"m": {}}) == 1 + 3
    assert item_size({"m": {"k": "v"}}) == 1 + 3 + 1 + 2


def test_values_survive_their_marshalling() -> None:
    value = {"a": 10**37, "b": -5, "c": "", "d": b"", "e": {"f": {"g": "é"}}}
    assert unmarshal(marshal(value)) == value
    for wrong in (1.5, None, [1]):
        with pytest.raises(TypeError):
            marshal(wrong)


def test_a_meter_counts_for_threads() -> None:
    meter = Meter()
    meter.add(Units(requests=1, read_units=2))
    meter.add(Units(write_units=3))
    assert meter.take() == Units(1, 2, 3, 0)


def test_the_largest_item_of_each_table_is_known(aws: Aws) -> None:
    long = Rollup({(Dimension.PAGE, "/" * 200): Counters(1)})
    aws.rollups().save({KEY: Versioned(replace(ROLLUP, rollup=long), 0)})
    aws.rollups().save({KEY._replace(partition=1): Versioned(StoredRollup(), 0)})
    aws.visitors().save({VISITORS[0]: Versioned(VISITOR, 0)})
    items = {"stats": rollup_key(KEY), "sessions": visitor_key(VISITORS[0])}
    sizes = {table: item_size(aws.dynamo.get(table, [key])[0]) for table, key in items.items()}
    assert aws.meter.take_largest() == sizes
    assert aws.meter.take_largest() == {}


def test_an_item_that_is_too_large_is_known_as_well(aws: Aws) -> None:
    with pytest.raises(PermanentError):
        aws.dynamo.put("stats", {"pk": "a", "sk": "b", "body": bytes(500_000)}, NEW)
    assert aws.meter.take_largest()["stats"] > 500_000


def _request(table: str, wanted: object) -> bytes:
    return json.dumps({"RequestItems": {table: wanted}}).encode()


def test_a_change_of_a_site_whose_answer_is_lost_is_made_once(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    lost: list[str] = []

    def lose_the_first_answer(request: Any, event_name: str, **_: Any) -> None:
        if not lost:
            lost.append(event_name)
            botocore_stubber(event_name, request)
            raise ReadTimeoutError(endpoint_url="dynamodb")

    aws.sites().add(Site(site_id="my.site"))
    repeating = Aws(Clients(TWO_ATTEMPTS))
    with hooked(repeating.dynamodb, lose_the_first_answer, "PutItem"):
        repeating.sites().update("my.site", lambda one: with_host(one, "pay.example"))
    assert lost
    (site,) = aws.sites().list()
    assert site.allowed_hosts == ("pay.example",)


def test_the_same_change_by_another_is_seen(aws: Aws) -> None:
    """Who meets it is asked again, and can tell that the change was not made by this call."""
    aws.sites().add(Site(site_id="my.site"))
    asked: list[Site] = []

    def publish(site: Site) -> Site:
        if not asked:
            aws.sites().update("my.site", lambda one: replace(one, public=True))
        asked.append(site)
        return replace(site, public=True)

    aws.sites().update("my.site", publish)
    assert [site.public for site in asked] == [False, True]


def with_host(site: Site, host: str) -> Site:
    return replace(site, allowed_hosts=(*site.allowed_hosts, host))
