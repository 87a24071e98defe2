"""The demo: a site with four weeks of sample history and live simulated traffic."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from random import Random

from ingest.stream.sink import EventSink
from liveinsight.traffic.sample_history import sample_history
from liveinsight.traffic.simulator import SimulationOptions, simulate
from runtime.settings import Settings
from runtime.sites.opener import sites
from runtime.sites.site import Site

SITE_ID = "demo.example"
HISTORY_DAYS = 28
VISITS_PER_DAY = 600
EVENTS_PER_SECOND = 1.5
SEED = 7


def demo_site(settings: Settings) -> Site:
    """Return the demo's site, made at the first start."""
    store = sites(settings)
    store.add(Site(site_id=SITE_ID, public=True))
    site = store.get(SITE_ID)
    if site is None:
        raise LookupError(SITE_ID)
    return site


def add_history(
    site: Site, sink: EventSink, progress_path: Path, on_progress: Callable[[int, None], None]
) -> None:
    """Put the sample history on the stream, once; go on where an earlier start was broken off.

    Args:
        site: the demo's site.
        sink: the stream.
        progress_path: file that remembers when the history ends and how many chunks are sent.
        on_progress: told how many events have been sent.
    """
    if progress_path.exists():
        progress = json.loads(progress_path.read_text())
    else:
        progress = {"until": datetime.now(UTC).isoformat(), "chunks": 0}
    until = datetime.fromisoformat(progress["until"])
    chunks = sample_history(site, HISTORY_DAYS, VISITS_PER_DAY, until, Random(SEED))  # noqa: S311
    events = 0
    for chunk in islice(chunks, progress["chunks"], None):
        sink.put(chunk)
        progress["chunks"] += 1
        unfinished = progress_path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(progress))
        unfinished.replace(progress_path)
        events += len(chunk)
        on_progress(events, None)


def live_traffic(url: str, stop: threading.Event) -> None:
    """Send simulated traffic to the demo's site until told to stop."""
    seed = int(datetime.now(UTC).timestamp())
    simulate(url, SITE_ID, SimulationOptions(rate=EVENTS_PER_SECOND, seed=seed), stop=stop)
