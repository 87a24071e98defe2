"""DynamoDB in memory, as far as the stores use it: a client for `runtime.dynamodb.Dynamo`.

moto takes milliseconds for a call, and a month of traffic makes too many. The adapters and their
meters are the real ones, so units are counted from the same items; a test lets both do the same.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from runtime.dynamodb import item_size, unmarshal
from runtime.metering import WRITE_UNIT, rounded_up

Raw = Mapping[str, Any]
"""An item as DynamoDB's API takes it."""

NEW, UNCHANGED = "attribute_not_exists(pk)", "version = :version"
"""The conditions that the stores write on."""


class ConditionNotMetError(ClientError):
    """The condition of a write was not met."""


class _Exceptions:
    ConditionalCheckFailedException = ConditionNotMetError


class MemoryDynamoDb:
    """Tables by name. For one thread."""

    exceptions = _Exceptions

    def __init__(self) -> None:
        self._tables: dict[str, dict[tuple[str, str], Raw]] = {}
        self._excess: Counter[str] = Counter()

    def take_excess(self) -> Counter[str]:
        """Return the write units, by table, that the meters of the adapters do not see.

        A write is charged for the larger of what stood there and what stands there then.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
        """
        taken, self._excess = self._excess, Counter()
        return taken

    def item(self, table: str, key: Mapping[str, str]) -> Raw | None:
        """Return an item, if it is there."""
        return self._tables.get(table, {}).get((key["pk"], key.get("sk", "")))

    def put_item(self, **request: Any) -> None:
        """Write an item on a condition."""
        self._check(request, request["Item"])
        self._replace(request["TableName"], request["Item"], request["Item"])

    def delete_item(self, **request: Any) -> None:
        """Delete an item on a condition."""
        self._check(request, request["Key"])
        self._replace(request["TableName"], request["Key"], None)

    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        """Write or delete items, whatever stands there."""
        for name, writes in request["RequestItems"].items():
            for write in writes:
                if "PutRequest" in write:
                    item = write["PutRequest"]["Item"]
                    self._replace(name, item, item)
                else:
                    self._replace(name, write["DeleteRequest"]["Key"], None)
        return {"UnprocessedItems": {}}

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        """Return the items that are there."""
        found: dict[str, list[Raw]] = {}
        for name, wanted in request["RequestItems"].items():
            table = self._table({"TableName": name})
            items = (table.get(_key(key)) for key in wanted["Keys"])
            found[name] = [item for item in items if item is not None]
        return {"Responses": found, "UnprocessedKeys": {}}

    def query(self, **request: Any) -> dict[str, Any]:
        """Return the items of a range of sort keys: all of them, however large they are."""
        values = request["ExpressionAttributeValues"]
        pk, first, last = (values[name]["S"] for name in (":pk", ":first", ":last"))
        items = sorted(self._table(request).items())
        return {"Items": [item for (of, sk), item in items if of == pk and first <= sk <= last]}

    def _check(self, request: Mapping[str, Any], at: Raw) -> None:
        """Raise what boto3 raises where a condition is not met."""
        standing = self._table(request).get(_key(at))
        if request["ConditionExpression"] == NEW:
            is_met = standing is None
        elif request["ConditionExpression"] == UNCHANGED:
            version = request["ExpressionAttributeValues"][":version"]
            is_met = standing is not None and standing["version"] == version
        else:
            raise NotImplementedError(request["ConditionExpression"])
        if not is_met:
            answer: Any = {"Error": {"Code": "ConditionalCheckFailedException"}}
            answer["Item"] = standing or {}
            raise ConditionNotMetError(answer, "PutItem")

    def _replace(self, name: str, at: Raw, item: Raw | None) -> None:
        """Let an item stand in the place of another, or none."""
        table, key = self._table({"TableName": name}), _key(at)
        standing = table.pop(key, None)
        if item is not None:
            table[key] = item
        if standing is not None:
            old, new = (_write_units(one) for one in (standing, item or at))
            self._excess[name] += max(0, old - new)

    def _table(self, request: Mapping[str, Any]) -> dict[tuple[str, str], Raw]:
        return self._tables.setdefault(request["TableName"], {})


def _write_units(item: Raw) -> int:
    size = item_size({name: unmarshal(value) for name, value in item.items()})
    return rounded_up(size, WRITE_UNIT)


def _key(item: Raw) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"] if "sk" in item else ""
