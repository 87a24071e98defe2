"""Where the columns of events lie: keys of files by site and UTC day. Pure.

| key, below `site=<site>/day=<day>/` | holds |
|---|---|
| `events/.../open.<...>.parquet` | events as they came: some may be in twice |
| `events/.../merged.<...>.parquet` | each event of a closed day once, with what its visit is |
| `visits/.../merged.<...>.parquet` | the same day's visits |

A day is UTC's, so that the time zone of a site decides nothing here. A file may have several days,
and lies then with the first of them. Names say what a file has, so
that listing them says enough. Of several merged files of a day the one with the highest number
counts.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

EVENTS = "events/"
VISITS = "visits/"

MOST_DAYS = 31
"""Of one file."""

AROUND = timedelta(days=3)
"""Beyond both ends of what is asked for. A visitor's id lives for 60 hours, by event time, so all
that is known of a visitor with an event on a day lies in the days around it."""

_NAME = re.compile(
    r"(?P<kind>open|merged)\.(?P<number>[0-9]{1,8})\.(?P<days>[1-9][0-9]{0,2})\.(?P<rows>[0-9]{1,12})"
    r"\.(?P<arrived>[0-9]{1,15})\.(?P<written>[0-9]{1,15})\.(?P<digest>[0-9a-f]{16})\.parquet"
)
_FOLDER = re.compile(r"site=(?P<site>[^/]+)/day=(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})/")


@dataclass(frozen=True, slots=True)
class Part:
    """One file of events. Times are epoch milliseconds."""

    site_id: str
    day: date
    is_merged: bool
    number: int
    """Of a merged file: the highest counts. Of an open one: how often what it has was joined."""
    days: int
    """How many days it may have events of, from `day` on."""
    rows: int
    arrived_at: int
    """When the stream took the newest record that is in it."""
    written_at: int
    """When that was written."""
    digest: str
    """Of what it was made from."""

    @property
    def last(self) -> date:
        """The last day of which it may have events."""
        return self.day + timedelta(days=self.days - 1)

    def is_within(self, first: date, last: date) -> bool:
        """Say whether it may have events of a range of days, both ends included."""
        return self.day <= last and first <= self.last

    @property
    def name(self) -> str:
        """The last part of its key."""
        kind = "merged" if self.is_merged else "open"
        numbers = f"{self.number}.{self.days}.{self.rows}.{self.arrived_at}.{self.written_at}"
        return f"{kind}.{numbers}.{self.digest}.parquet"

    @property
    def events_key(self) -> str:
        """Where its events lie."""
        return folder(EVENTS, self.site_id, self.day) + self.name

    @property
    def visits_key(self) -> str:
        """Where the visits of a merged one lie."""
        return folder(VISITS, self.site_id, self.day) + self.name


def folder(kind: str, site_id: str, day: date | None = None) -> str:
    """Return what begins the keys of a site, or of one of its days."""
    of_site = f"{kind}site={site_id}/"
    return of_site if day is None else f"{of_site}day={day.isoformat()}/"


def part_of(key: str) -> Part | None:
    """Return what a key of events says; None: it is none of ours."""
    place, _, name = key.removeprefix(EVENTS).rpartition("/")
    within, said = _FOLDER.fullmatch(f"{place}/"), _NAME.fullmatch(name)
    if within is None or said is None:
        return None
    try:
        day = date.fromisoformat(within["day"])
    except ValueError:
        return None
    return Part(
        site_id=within["site"],
        day=day,
        is_merged=said["kind"] == "merged",
        number=int(said["number"]),
        days=int(said["days"]),
        rows=int(said["rows"]),
        arrived_at=int(said["arrived"]),
        written_at=int(said["written"]),
        digest=said["digest"],
    )


def counting(parts: Iterable[Part]) -> list[Part]:
    """Return the parts that count: all open ones, and of each day the newest merged one."""
    parts = list(parts)
    counted = [part for part in parts if not part.is_merged]
    taken: set[tuple[str, date]] = set()
    merged = [part for part in parts if part.is_merged]
    for part in sorted(merged, key=lambda part: (part.number, part.digest), reverse=True):
        places = {(part.site_id, day) for day in days_between(part.day, part.last)}
        if taken.isdisjoint(places):
            taken |= places
            counted.append(part)
    return counted


def days_between(first: date, last: date) -> Iterator[date]:
    """Yield the days of a range, both ends included."""
    for passed in range((last - first).days + 1):
        yield first + timedelta(days=passed)
