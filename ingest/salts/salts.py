"""The port of the store of salts.

A salt makes the visitor ids of one day of one site. While it is there, who has an address and a
user agent can find out whose id it was. So it is kept apart from all else, for two days, and in no
backup.
"""

from datetime import date, datetime, timedelta
from typing import Protocol

SALT_LIFETIME = timedelta(hours=48)


class SaltStore(Protocol):
    """Keeps the salts of the newest days."""

    def salt(self, site_id: str, day: date, *, fresh: bytes, now: datetime) -> bytes:
        """Return the salt of a site's day; the first caller's `fresh` becomes the salt.

        Salts made more than SALT_LIFETIME before `now` are given to nobody.

        Raises:
            RetryableError: the store did not answer; asking again is safe.
        """

    def erase(self, site_id: str) -> int:
        """Delete the salts of a site; return how many there were.

        Raises:
            RetryableError: some may be gone and some not; erasing again is safe.
        """
