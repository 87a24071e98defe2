"""Salts in a DynamoDB table of their own: the salt of a site's day lies under `site#day`."""

from datetime import date, datetime

from ingest.salts.salts import SALT_LIFETIME
from runtime.dynamodb import Condition, Dynamo


class DynamoSaltStore:
    """A SaltStore in one table.

    DynamoDB deletes a salt by `expires_at` within days of its end; until then it is ignored.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
    """

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo, self._table = dynamo, table

    def salt(self, site_id: str, day: date, *, fresh: bytes, now: datetime) -> bytes:
        """Return the salt of a site's day; the first caller's `fresh` becomes the salt."""
        made_at = int(now.timestamp() * 1000)
        oldest = int((now - SALT_LIFETIME).timestamp() * 1000)
        item = {
            "pk": f"{site_id}#{day.isoformat()}",
            "salt": fresh,
            "made_at": made_at,
            "expires_at": int((now + SALT_LIFETIME).timestamp()),
        }
        absent = Condition("attribute_not_exists(pk) OR made_at < :oldest", {":oldest": oldest})
        standing = self._dynamo.put(self._table, item, absent)
        return fresh if standing is None else bytes(standing["salt"])

    def erase(self, site_id: str) -> int:
        """Delete the salts of a site; return how many there were."""
        found = self._dynamo.scan(self._table, having="salt")
        keys = [{"pk": one["pk"]} for one in found if one["pk"].startswith(f"{site_id}#")]
        self._dynamo.delete_all(self._table, keys)
        return len(keys)
