"""The meters of a month: tables in memory count what the adapters count on moto."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

import pytest

from benchmarks.memory_dynamodb import MemoryDynamoDb
from benchmarks.month import DAY, LAMBDA_WINDOWS, Stores, batches
from benchmarks.traffic import Catalogue, Traffic
from processors.seal.processor import SealProcessor
from runtime.dynamodb import Condition, Dynamo, Item
from runtime.metering import Meter, Units
from runtime.sites.site import Site
from tests.aws import Aws, _make_table, simulated_aws

SITE = Site(site_id="shop.example")
NOON = datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC)


def used(client: Any) -> dict[str, Units]:
    """What an hour's views, and sealing their day, use of each table."""
    stores = Stores(SITE, client)
    traffic = Traffic(Catalogue(200), SITE, Random(1))
    views = list(islice(traffic.day(DAY, 5000, begin=12), 200))
    for consumer in LAMBDA_WINDOWS:
        for batch, now in batches(views, SITE, consumer, 1):
            stores.consumers[consumer](batch, now)
    for days in (3, 40, 42):
        sealer = SealProcessor(stores.sites, stores.rollups, stores.seals)
        sealer.run(now=NOON + timedelta(days=days))
    return {table: meter.take() for table, meter in stores.meters.items()}


def test_tables_in_memory_use_what_moto_uses() -> None:
    with simulated_aws():
        client = Aws().dynamodb
        _make_table(client, "ledger")
        on_moto = used(client)
    assert used(MemoryDynamoDb()) == on_moto
    assert all(units.write_units for units in on_moto.values())


def item(size: int, version: int = 1) -> Item:
    return {"pk": "a", "sk": "b", "version": version, "body": bytes(size)}


def test_a_write_is_charged_for_the_larger_of_what_stood_and_what_stands() -> None:
    client = MemoryDynamoDb()
    dynamo = Dynamo(client, Meter())  # type: ignore[arg-type]
    assert dynamo.put("stats", item(9000), Condition("attribute_not_exists(pk)")) is None
    assert client.take_excess()["stats"] == 0
    unchanged = Condition("version = :version", {":version": 1})
    assert dynamo.put("stats", item(100, 2), unchanged) is None
    assert client.take_excess()["stats"] == 8
    assert dynamo.put("stats", item(9000, 3), unchanged) == item(100, 2)
    assert not dynamo.delete("stats", {"pk": "a", "sk": "b"}, unchanged)
    dynamo.put_all("stats", [item(4000)])
    assert client.take_excess()["stats"] == 0
    assert dynamo.delete("stats", {"pk": "a", "sk": "b"}, unchanged)
    assert client.take_excess()["stats"] == 3


def test_a_condition_that_no_store_has_is_not_guessed() -> None:
    dynamo = Dynamo(MemoryDynamoDb(), Meter())  # type: ignore[arg-type]
    with pytest.raises(NotImplementedError):
        dynamo.put("stats", item(1), Condition("attribute_exists(pk)"))
