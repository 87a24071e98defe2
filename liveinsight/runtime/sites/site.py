"""What is configured for one site, and the port of the store that keeps it."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Annotated, Protocol
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

SALT_LIFETIME = timedelta(hours=48)
DEFAULT_PARTITIONS = 4


class Site(BaseModel):
    """The settings of one site."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site_id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,252}$")]
    """The host name, without `www.`."""
    timezone: str = "UTC"
    """IANA name; decides where a day begins. Changed only together with a rebuild."""
    partitions: Annotated[int, Field(ge=1, le=1024)] = DEFAULT_PARTITIONS
    """Into how many ordered parts the visitors fall. Changed only together with a rebuild."""
    generation: Annotated[int, Field(ge=1)] = 1
    """The set of rollups that is read and written."""
    public: bool = False
    """Whether the read APIs answer without a key."""
    allowed_hosts: tuple[str, ...] = ()
    """Hosts that may send events besides the site's own and its subdomains."""
    read_key_hashes: tuple[str, ...] = ()
    """SHA-256 of the keys that may read, in hex."""
    import_secret: Annotated[str, Field(min_length=32)] = Field(
        default_factory=lambda: secrets.token_hex(32)
    )
    """Gives the salts of imported days, so that a second import finds the same visitors."""

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"no time zone is named {name!r}: use an IANA name") from error
        return name

    def accepts_host(self, host: str) -> bool:
        """Say whether a page on this host may send events to the site."""
        return (
            host == self.site_id or host.endswith(f".{self.site_id}") or host in self.allowed_hosts
        )

    def may_read(self, key: str | None) -> bool:
        """Say whether a request with this read key may see the site's numbers."""
        if self.public:
            return True
        digest = hash_read_key(key or "")
        return any(hmac.compare_digest(digest, known) for known in self.read_key_hashes)

    def import_salt(self, day: date) -> bytes:
        """Return the salt for the visitors of an imported day."""
        message = f"import-salt|{day.isoformat()}".encode()
        return hmac.digest(self.import_secret.encode(), message, "sha256")


def hash_read_key(key: str) -> str:
    """Return what is stored of a read key. Keys are random and long, so one SHA-256 is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


class SiteStore(Protocol):
    """Keeps site settings and the salts of the day."""

    def get(self, site_id: str) -> Site | None:
        """Return a site's settings, or None."""

    def add(self, site: Site) -> bool:
        """Add a site; return False, and change nothing, where it exists already."""

    def replace(self, site: Site) -> None:
        """Replace the settings of a site that exists."""

    def list(self) -> Iterable[Site]:
        """Return all sites by site id."""

    def salt(self, site_id: str, day: date, *, fresh: bytes, now: datetime) -> bytes:
        """Return the salt of a site's day; the first caller's `fresh` becomes the salt.

        Salts made more than SALT_LIFETIME before `now` are deleted.
        """
