"""Site settings in DynamoDB: a site's lie under its id."""

import secrets
from collections.abc import Callable, Iterable

from runtime.backoff import Backoff
from runtime.dynamodb import Condition, Dynamo, Item
from runtime.errors import RetryableError
from runtime.sites.encoding import decode_site, encode_site
from runtime.sites.site import Site

NEW = Condition("attribute_not_exists(pk)")
STANDING = Condition("attribute_exists(pk)")
MAX_ATTEMPTS = 20
"""How often a change of a site's settings is tried. They are few, and made by few."""
PAUSES = Backoff(first=0.01, longest=0.3)
"""Between them, so that those who came between do not come again at the same moment."""


def random_write_id() -> bytes:
    """Return what tells one write from every other that writes the same."""
    return secrets.token_bytes(16)


class DynamoSiteStore:
    """A SiteStore in one table."""

    def __init__(
        self, dynamo: Dynamo, table: str, write_id: Callable[[], bytes] = random_write_id
    ) -> None:
        self._dynamo = dynamo
        self._table = table
        self._write_id = write_id

    def get(self, site_id: str) -> Site | None:
        """Return a site's settings, or None."""
        found = self._dynamo.get(self._table, [{"pk": site_id}])
        return _site(found[0]) if found else None

    def add(self, site: Site) -> bool:
        """Add a site; return False, and change nothing, where it exists already."""
        return self._dynamo.put(self._table, _item(site), NEW) is None

    def update(self, site_id: str, change: Callable[[Site], Site]) -> Site | None:
        """Change the settings of a site, if they are still those that were read."""
        standing = next(iter(self._dynamo.get(self._table, [{"pk": site_id}])), None)
        for failures in range(MAX_ATTEMPTS):
            if failures:
                PAUSES.wait(failures)
            if not standing:
                return None
            changed = change(_site(standing))
            unchanged = Condition("settings = :read", {":read": standing["settings"]})
            written = {**_item(changed), "write_id": self._write_id()}
            standing = self._dynamo.put(self._table, written, unchanged)
            # What stands there may be this write, whose acknowledgement was lost.
            if standing is None or standing == written:
                return changed
        raise RetryableError(f"the settings of {site_id} are changed by others all the time")

    def list(self) -> Iterable[Site]:
        """Return all sites by site id."""
        items = self._dynamo.scan(self._table, having="settings")
        return sorted(map(_site, items), key=lambda site: site.site_id)

    def remove(self, site_id: str) -> bool:
        """Remove a site; return whether it was there."""
        return self._dynamo.delete(self._table, {"pk": site_id}, STANDING)


def _item(site: Site) -> Item:
    return {"pk": site.site_id, "settings": encode_site(site)}


def _site(item: Item) -> Site:
    return decode_site(item["settings"])
