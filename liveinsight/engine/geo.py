"""The viewer's place, as CloudFront would say it, from a database file in MaxMind's format.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/adding-cloudfront-headers.html
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import maxminddb

from runtime.errors import UsageError


class GeoDatabase:
    """Looks up client addresses.

    Raises:
        UsageError: the file cannot be read as a MaxMind database.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._reader = maxminddb.open_database(path)
        except (OSError, maxminddb.InvalidDatabaseError) as error:
            raise UsageError(f"{path} is not a MaxMind database: {error}") from error

    def viewer_headers(self, address: str) -> dict[str, str]:
        """Return the headers for an address; none where the database does not know it."""
        try:
            found = self._reader.get(address)
        except ValueError:
            return {}
        if not isinstance(found, dict):
            return {}
        region = next(iter(_mappings(found.get("subdivisions"))), {})
        headers = {
            "cloudfront-viewer-country": _text(found.get("country"), "iso_code"),
            "cloudfront-viewer-country-region": str(region.get("iso_code", "")),
            "cloudfront-viewer-city": quote(_text(found.get("city"), "names", "en")),
        }
        return {name: value for name, value in headers.items() if value}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: Any, *path: str) -> str:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""
