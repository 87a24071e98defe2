"""The demo: a site with ten weeks of sample history, and live simulated traffic beside it."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from ingest.stream.sink import EventSink
from liveinsight.traffic.catalogue import Arrival
from liveinsight.traffic.sample_history import SampleDay, sample_day
from liveinsight.traffic.simulator import SimulationOptions, simulate
from runtime.settings import Settings
from runtime.sites.goals import Goal
from runtime.sites.opener import sites
from runtime.sites.site import Site

SITE_ID = "demo.example"
GOALS = tuple(
    Goal(name=name.capitalize(), event=name) for name in ("signup", "purchase", "download")
)
HISTORY_DAYS = 70
"""Enough that each period of up to a month has one before it."""
VISITS_PER_DAY = 400
GROWTH_PER_DAY = 2.5
"""Visits that a day has more than the day before it."""
SPIKE_DAYS_AGO = 9
SPIKE_VISITS = 700
SPIKE = Arrival(1.0, "https://news.ycombinator.com/", landing=("/blog/tern-3",))
"""One day a page is on the front page of a news site."""
EVENTS_PER_SECOND = 1.5
SEED = 7
MOST_WAITING = 3_000
"""Records of the history on the stream that are not counted yet: live ones wait behind them."""
LOOK_SECONDS = 0.05


def demo_site(settings: Settings) -> Site:
    """Return the demo's site, made at the first start."""
    store = sites(settings)
    store.add(Site(site_id=SITE_ID, public=True, public_visits=True, goals=GOALS))
    site = store.get(SITE_ID)
    if site is None:
        raise LookupError(SITE_ID)
    return site


@dataclass(slots=True)
class Progress:
    """How far the sample history has been added; remembered in a file.

    Args:
        path: of the file.
        until: where the history ends, if there is no file yet.
    """

    path: Path
    until: datetime
    days: int = 0
    """That are done, from the newest back."""
    chunks: int = 0
    """That are sent, of the day after them."""

    def __post_init__(self) -> None:
        """Go on where an earlier start was broken off."""
        if self.path.exists():
            known = json.loads(self.path.read_text())
            self.until = datetime.fromisoformat(known["until"])
            self.days, self.chunks = known["days"], known["chunks"]

    def keep(self, days: int, chunks: int) -> None:
        """Remember how far it is."""
        self.days, self.chunks = days, chunks
        known = {"until": self.until.isoformat(), "days": days, "chunks": chunks}
        unfinished = self.path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(known))
        unfinished.replace(self.path)


def demo_days(site: Site, until: datetime) -> list[SampleDay]:
    """Return the days of the demo's history, the newest first."""
    today = site.local_day(until)
    return [
        SampleDay(
            today - timedelta(days=back),
            VISITS_PER_DAY - GROWTH_PER_DAY * back,
            *((SPIKE, SPIKE_VISITS) if back == SPIKE_DAYS_AGO else ()),
        )
        for back in range(HISTORY_DAYS)
    ]


@dataclass(frozen=True, slots=True)
class History:
    """Puts a sample history on the stream.

    Args:
        site: of which it is.
        days: in the order in which they are added.
        sink: the stream.
        waiting: how many records on the stream are not counted yet.
        progress: how far it is already.
    """

    site: Site
    days: Sequence[SampleDay]
    sink: EventSink
    waiting: Callable[[], int]
    progress: Progress

    def add(self, stop: threading.Event, on_day: Callable[[int, int | None], None]) -> None:
        """Add what is missing, and no faster than it is counted, until told to stop.

        Args:
            stop: ends it soon; the next start goes on.
            on_day: told how many days are done, and of how many.
        """
        for number in range(self.progress.days, len(self.days)):
            on_day(number, len(self.days))
            chunks = sample_day(self.site, self.days[number], self.progress.until, SEED)
            for chunk in islice(chunks, self.progress.chunks, None):
                while self.waiting() > MOST_WAITING and not stop.wait(LOOK_SECONDS):
                    pass
                if stop.is_set():
                    return
                self.sink.put(chunk)
                self.progress.keep(number, self.progress.chunks + 1)
            self.progress.keep(number + 1, 0)
        on_day(len(self.days), len(self.days))


def live_traffic(url: str, stop: threading.Event) -> None:
    """Send simulated traffic to the demo's site until told to stop."""
    seed = int(datetime.now(UTC).timestamp())
    simulate(url, SITE_ID, SimulationOptions(rate=EVENTS_PER_SECOND, seed=seed), stop=stop)
