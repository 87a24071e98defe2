"""Measures a rebuild: events a second, and memory, by the number of events.

    python -m benchmarks.rebuild [--events 1000000] [--days 60] [--pages 2000]

The archive is written without an engine, with the records of a site's traffic; the rebuild is that
of the command, in as many processes as the machine has cores. A second one must find no difference.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random

import click

from benchmarks.traffic import SHARD, Catalogue, Traffic, records
from processors.archive.container import ArchivedRecord
from processors.archive.store import ObjectArchiveStore
from runtime.objects.folder import FolderObjects
from runtime.settings import EmbeddedSettings
from runtime.sites.site import Site
from runtime.sites.sqlite import SqliteSiteStore
from schemas.event import EventBatch

SITE = Site(site_id="shop.example", public=True)
OBJECT = 5000
"""Records in an object of the archive, about as many as a compacted one has for its size."""


@click.command(help=__doc__)
@click.option("--events", default=1_000_000, show_default=True)
@click.option("--days", default=60, show_default=True)
@click.option("--pages", default=2000, show_default=True)
@click.option("--processes", default=os.cpu_count() or 1)
def main(*, events: int, days: int, pages: int, processes: int) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        written = write(Path(folder), events, days, pages)
        print(f"{written:,} events over {days} days in the archive", flush=True)
        for _ in range(2):
            began = time.monotonic()
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "liveinsight.cli", "rebuild", "--all", "--yes"),
                    *("--json", "--data", folder, "--processes", str(processes)),
                ],
                check=True,
                capture_output=True,
                text=True,
            )
            seconds = time.monotonic() - began
            (site,) = json.loads(done.stdout)["sites"]
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            print(
                f"generation {site['generation']}: {seconds:,.1f} s, {written / seconds:,.0f}"
                f" events/s with {processes} processes, largest process {peak:,.0f} MB,"
                f" {len(site['differences'])} differences",
                flush=True,
            )


def write(folder: Path, events: int, days: int, pages: int) -> int:
    """Write an archive, and what the consumers would have left of their positions."""
    settings = EmbeddedSettings(folder)
    SqliteSiteStore(settings.sites_path).add(SITE)
    archive = ObjectArchiveStore(FolderObjects(folder / "archive"))
    stream = records(SITE, _batches(events, days, pages))
    written = 0
    while some := list(islice(stream, OBJECT)):
        objects = [
            ArchivedRecord(
                SHARD, one.position.sequence_number, one.partition_key, one.arrived_at, one.data
            )
            for one in some
        ]
        archive.append(SHARD, archive.tail(SHARD), objects)
        written += len(some)
    return written


def _batches(events: int, days: int, pages: int) -> Iterator[EventBatch]:
    traffic = Traffic(Catalogue(pages), SITE, Random(1))  # noqa: S311 - must be repeatable
    last = datetime.now(UTC).date() - timedelta(days=1)
    for passed in reversed(range(days)):
        yield from traffic.day(last - timedelta(days=passed), events / days)


if __name__ == "__main__":
    main()
