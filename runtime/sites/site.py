"""What is configured for one site, and the port of the store that keeps it."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from runtime.errors import UsageError
from runtime.sites.generations import KEPT_FOR, Building, Kept
from runtime.sites.goals import Goal
from runtime.sites.pages import AS_THEY_ARE, PageRules
from runtime.sites.partitions import ALWAYS_ONE, NOTICE, PartitionSchedule
from runtime.sites.retention import FOR_EVER, USUAL, Retention
from runtime.sites.shields import NO_SHIELDS, Shields, Tokens, host_matches

DAY = timedelta(days=1)
MIN_SECRET_LENGTH = 32

SITE_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,252}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The settings of one site.

    It is a plain dataclass because each function reads it at a cold start, of which pydantic would
    be a fifth.

    Raises:
        UsageError: a setting cannot be; the message says which, and what it can be.
    """

    site_id: str
    """The host name, without `www.`."""
    timezone: str = "UTC"
    """IANA name; decides where a day begins. Changed only together with a rebuild."""
    partitions: PartitionSchedule = ALWAYS_ONE
    """Into how many ordered parts the visitors of a day fall."""
    generation: int = 1
    """The set of rollups that is read and written."""
    last_generation: int = 1
    """The highest that was ever begun: no number is used twice."""
    building: Building | None = None
    kept: Kept | None = None
    closed: bool = False
    """Whether nothing is accepted for it any more: it is being erased."""
    erasing: bool = False
    """Whether an erasure has begun, and not ended: running it again goes on."""
    retention: Retention = USUAL
    """For how long what is kept of it is kept."""
    archived_from: date | None = None
    """Before this day its archive does not have everything any more; None: it has, as far as there
    is something. What is counted of those days can be counted in no other way."""
    compared_from: date | None = None
    """The first day that both ledgers have in one time zone; None: all are. The archive's side is
    written once, and a rebuild in another zone does not move it."""
    public: bool = False
    """Whether the read APIs answer without a key."""
    public_visits: bool = False
    """Whether single visits of a public site are shown without a key, too."""
    allowed_hosts: tuple[str, ...] = ()
    """Hosts that may send events besides the site's own and its subdomains; a label may be *."""
    sandboxed: bool = False
    """Whether pages may ask for a token whose browser hides where they are (`Origin: null`)."""
    scrub_paths: bool = False
    """Whether what looks like a person's is taken out of the paths of pages and referrers."""
    tokens: Tokens = Tokens.ENFORCE
    """Whether events must show a token."""
    shields: Shields = NO_SHIELDS
    """What is dropped, whoever sends it."""
    pages: PageRules = AS_THEY_ARE
    """Which paths are one page."""
    ignored_referrers: tuple[str, ...] = ()
    """Hosts that are no source, with those below them: a payment provider, a sign-in."""
    read_key_hashes: tuple[str, ...] = ()
    """SHA-256 of the keys that may read, in hex."""
    admin_key_hashes: tuple[str, ...] = ()
    """SHA-256 of the keys that may read, and say which generation counts, in hex."""
    goals: tuple[Goal, ...] = ()
    """What visitors are to do; each has another name."""
    write_key_hashes: tuple[str, ...] = ()
    """SHA-256 of the keys with which the owner's programs send events, in hex; nothing is read."""
    import_secret: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    """Gives the salts of imported days, so that a second import finds the same visitors."""

    def __post_init__(self) -> None:
        """Refuse settings that cannot be."""
        if not SITE_ID.fullmatch(self.site_id):
            raise UsageError(
                f"{self.site_id!r} is no site: write its host name, such as example.com"
            )
        if not _is_timezone(self.timezone):
            raise UsageError(f"timezone: no time zone is named {self.timezone!r}: use an IANA name")
        if self.generation < 1:
            raise UsageError(f"generation: {self.generation} is less than 1")
        if len({goal.name for goal in self.goals}) < len(self.goals):
            raise UsageError("goals: two have the same name")
        if len(self.import_secret) < MIN_SECRET_LENGTH:
            raise UsageError(f"import_secret: it has less than {MIN_SECRET_LENGTH} characters")

    def local_day(self, now: datetime) -> date:
        """Return the date that it is on the site, whose midnight changes the salt."""
        return now.astimezone(ZoneInfo(self.timezone)).date()

    def next_day(self, now: datetime) -> date:
        """Return the first day whose number of partitions can still be changed.

        That is tomorrow; in the last minutes of a day (NOTICE) it is the day after.
        """
        return self.local_day(now + NOTICE) + DAY

    def counted_from(self, now: datetime) -> date:
        """Return the first day whose rollups are kept."""
        days = self.retention.rollups
        return date.min if days == FOR_EVER else self.local_day(now) - days * DAY

    def with_partitions(self, number: int, *, now: datetime) -> "Site":
        """Return the site with another number of partitions from its next day on.

        A second change takes the place of the first.

        Raises:
            UsageError: the number cannot be, or is more than twice the one of the day before.
        """
        return replace(self, partitions=self.partitions.changed(number, self.next_day(now)))

    def with_building(
        self, timezone: str, days: tuple[date, date] | None = None, *, now: datetime
    ) -> "Site":
        """Return the site with a new generation begun, or as it is where one has been begun.

        Args:
            timezone: where its days begin.
            days: the first and the last one that are made anew; None: all are.
            now: the time.

        Raises:
            UsageError: there is no such time zone, or one for another, or for other days, has been
                begun.
        """
        if self.building is None:
            replace(self, timezone=timezone)  # refuses what is none
            number = max(self.generation, self.last_generation) + 1
            first, last = days or (None, None)
            begun = Building(
                generation=number,
                timezone=timezone,
                started_at=int(now.timestamp()),
                first_day=first,
                last_day=last,
            )
            return replace(self, last_generation=number, building=begun)
        if self.building.timezone != timezone:
            raise UsageError(
                f"a rebuild of {self.site_id} in {self.building.timezone} has been begun: go on"
                f" with --time-zone {self.building.timezone}, or give it up with --abandon"
            )
        if self.building.days != days:
            begun_of = self.building.days
            of = f"from {begun_of[0]} to {begun_of[1]}" if begun_of else "of all days"
            options = (
                f"with --from {begun_of[0]} --to {begun_of[1]}" if begun_of else "without --from"
            )
            raise UsageError(
                f"a rebuild of {self.site_id} {of} has been begun: go on {options}, or give it"
                " up with --abandon"
            )
        return self

    def turned(self, positions: Mapping[str, int], *, now: datetime) -> "Site":
        """Return the site with the generation that was being built as the one that counts.

        Args:
            positions: what the one that has counted until now holds at least.
            now: the time.
        """
        if self.building is None:
            raise UsageError(f"no rebuild of {self.site_id} has been begun, or it was given up")
        return replace(
            self,
            generation=self.building.generation,
            timezone=self.building.timezone,
            building=None,
            kept=self._as_kept(positions, now),
            compared_from=self._compared_from(self.building.timezone, now),
        )

    def turned_back(self, positions: Mapping[str, int], *, now: datetime) -> "Site":
        """Return the site with the kept generation as the one that counts, and the other kept."""
        if self.kept is None:
            raise UsageError(
                f"no generation of {self.site_id} is kept: there was no rebuild in the last"
                f" {KEPT_FOR.days} days"
            )
        return replace(
            self,
            generation=self.kept.generation,
            timezone=self.kept.timezone,
            kept=self._as_kept(positions, now),
            compared_from=self._compared_from(self.kept.timezone, now),
        )

    def _compared_from(self, timezone: str, now: datetime) -> date | None:
        """Return the first day that both ledgers have in this time zone, if another was used."""
        if timezone == self.timezone:
            return self.compared_from
        settled = now + NOTICE
        return DAY + max(
            self.local_day(settled), replace(self, timezone=timezone).local_day(settled)
        )

    def _as_kept(self, positions: Mapping[str, int], now: datetime) -> Kept:
        return Kept(
            generation=self.generation,
            timezone=self.timezone,
            replaced_at=int(now.timestamp()),
            positions=dict(positions),
        )

    def accepts_host(self, host: str) -> bool:
        """Say whether a page on this host may send events to the site."""
        return (
            host == self.site_id
            or host.endswith(f".{self.site_id}")
            or any(host_matches(host, allowed) for allowed in self.allowed_hosts)
        )

    def may_read(self, key: str | None) -> bool:
        """Say whether a request with this read key may see the site's numbers."""
        return self.public or _opens(key, (*self.read_key_hashes, *self.admin_key_hashes))

    def may_see_visits(self, key: str | None) -> bool:
        """Say whether a request with this read key may see single visits."""
        shown = self.public and self.public_visits
        return shown or _opens(key, (*self.read_key_hashes, *self.admin_key_hashes))

    def may_administer(self, key: str | None) -> bool:
        """Say whether a request with this admin key may say which generation counts."""
        return _opens(key, self.admin_key_hashes)

    def may_write(self, key: str | None) -> bool:
        """Say whether a request with this write key comes from a program of the owner."""
        return _opens(key, self.write_key_hashes)

    def import_salt(self, day: date) -> bytes:
        """Return the salt for the visitors of an imported day."""
        message = f"import-salt|{day.isoformat()}".encode()
        return hmac.digest(self.import_secret.encode(), message, "sha256")


def _is_timezone(name: str) -> bool:
    """Say whether this is the IANA name of a time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _opens(key: str | None, hashes: Iterable[str]) -> bool:
    """Say whether one of these is the hash of a key."""
    digest = hash_read_key(key or "")
    return any(hmac.compare_digest(digest, known) for known in hashes)


def hash_read_key(key: str) -> str:
    """Return what is stored of a read key. Keys are random and long, so one SHA-256 is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


class SiteStore(Protocol):
    """Keeps site settings."""

    def get(self, site_id: str) -> Site | None:
        """Return a site's settings, or None."""

    def add(self, site: Site) -> bool:
        """Add a site; return False, and change nothing, where it exists already."""

    def update(self, site_id: str, change: Callable[[Site], Site]) -> Site | None:
        """Change the settings of a site; return what they are now, None where there is no site.

        No change of another's is lost: where one came between, `change` is asked again, of what the
        other has left. What it raises leaves the settings as they are.

        Raises:
            RetryableError: others change the site all the time.
        """

    def list(self) -> Iterable[Site]:
        """Return all sites by site id."""

    def remove(self, site_id: str) -> bool:
        """Remove a site; return whether it was there.

        Raises:
            RetryableError: it may be gone or not; removing it again is safe.
        """
