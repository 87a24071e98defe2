"""What a rebuild folds. It is written down, so that the next run after a crash folds the same."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from aggregates.window import day_start

Positions = Mapping[str, int]
"""Of each shard the highest sequence number that is in."""

MARGIN_MS = int(timedelta(days=3).total_seconds() * 1000)
"""So far from a day the records of a visitor who counts in it may have been received.

An id belongs to one day, and a token carries it for 12 hours more; an event may be 24 hours late.
"""

Days = tuple[date, date]
"""The first and the last day of a range, in the site's time zone."""


@dataclass(frozen=True, slots=True)
class Span:
    """The days of a site that are folded anew, where not all are; the others are taken over."""

    first: date
    last: date
    open_from: date
    """From this day on nothing is closed, or the consumer has not counted everything. Those days
    are folded, too, whatever the range: of their visitors more may come, and what must be
    remembered of these comes out of the fold alone."""

    def has(self, day: date) -> bool:
        """Say whether a day is folded."""
        return self.first <= day <= self.last or day >= self.open_from

    @property
    def days(self) -> Days:
        """The range that was asked for."""
        return self.first, self.last


class Window:
    """Tells which records may count in the days of a span, or be of visitors who do.

    Args:
        span: the days.
        timezone: the site's.
    """

    def __init__(self, span: Span, timezone: str) -> None:
        self._from = day_start(span.first, timezone) - MARGIN_MS
        self._until = day_start(span.last + timedelta(days=1), timezone) + MARGIN_MS
        self._open_from = day_start(span.open_from, timezone) - MARGIN_MS

    def has(self, received_at: int, arrived_at: int) -> bool:
        """Say whether a record is to be folded.

        What arrived of late is, whenever it was received: an import may go on.
        """
        return (
            self._from <= received_at < self._until
            or received_at >= self._open_from
            or arrived_at >= self._open_from
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What a rebuild folds."""

    generations: Mapping[str, int]
    """By site id."""
    timezones: Mapping[str, str]
    through: Positions
    """Up to where, on each shard."""
    shares: int
    goes_on_at: int
    """When the first record behind that arrived, or now: epoch milliseconds. The consumer, or what
    archives, may be days behind, on one shard more than on another."""
    spans: Mapping[str, Span] = field(default_factory=dict)
    """By site id. A site without one is folded whole."""

    def has(self, site_id: str, day: date) -> bool:
        """Say whether a day of a site is folded."""
        return site_id not in self.spans or self.spans[site_id].has(day)

    def is_for(self, generations: Mapping[str, int]) -> bool:
        """Say whether it is the plan of these generations."""
        return dict(self.generations) == dict(generations)

    def windows(self) -> dict[str, Window]:
        """Return what tells the records that are folded, by site; of a whole site there is none."""
        return {
            site_id: Window(span, self.timezones[site_id]) for site_id, span in self.spans.items()
        }


def encode_plan(plan: Plan) -> str:
    """Return a plan as JSON."""
    document = {
        "generations": dict(plan.generations),
        "timezones": dict(plan.timezones),
        "through": {shard: str(number) for shard, number in plan.through.items()},
        "shares": plan.shares,
        "goes_on_at": plan.goes_on_at,
        "spans": {
            site_id: [one.first.isoformat(), one.last.isoformat(), one.open_from.isoformat()]
            for site_id, one in plan.spans.items()
        },
    }
    return json.dumps(document)


def decode_plan(text: str) -> Plan:
    """Read a plan."""
    document: dict[str, Any] = json.loads(text)
    spans = {
        site_id: Span(*map(date.fromisoformat, days)) for site_id, days in document["spans"].items()
    }
    through = {shard: int(number) for shard, number in document["through"].items()}
    return Plan(**{**document, "through": through, "spans": spans})


class PlanFile:
    """The plan of the rebuild that has a folder, and the files of its shares.

    Args:
        folder: for what is not finished.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "plan.json"

    def read(self) -> Plan | None:
        """Return the plan, or None where nothing has been begun."""
        try:
            return decode_plan(self._path.read_text())
        except FileNotFoundError:
            return None

    def write(self, plan: Plan) -> None:
        """Put a plan in the place of the one before, whose shares are deleted."""
        self.clear()
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = self._folder / "plan.unfinished"
        unfinished.write_text(encode_plan(plan))
        unfinished.replace(self._path)

    def share(self, number: int) -> Path:
        """Return where the file of a share is."""
        return self._folder / f"share-{number}.sqlite"

    def clear(self) -> None:
        """Delete what is not finished."""
        if self._folder.is_dir():
            self._path.unlink(missing_ok=True)  # first: without it the rest is nothing
            for path in self._folder.glob("share-*.sqlite*"):
                path.unlink()
