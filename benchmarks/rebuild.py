"""Measures a rebuild: events a second, and memory, by the number of events.

    python -m benchmarks.rebuild [--events 1000000] [--days 60] [--pages 2000]
                                 [--live 200] [--kill-every 10]

The archive is written without an engine, with the records of a site's traffic; the rebuild is that
of the command, in as many processes as the machine has cores. A second one must find no difference,
and must leave every answer about those days as it was: with --live while the engine runs and takes
so many events a second, with --kill-every while every so many seconds a random process is killed
(the rebuild's, the consumers', the server's), and started again.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from socket import create_server
from typing import Any

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

LOOK_EVERY_SECONDS = 0.2
COMMAND = (sys.executable, "-m", "liveinsight.cli")
OF_THE_MOMENT = {"as_of", "lag_ms", "generation"}


@dataclass(slots=True)
class Run:
    """What a rebuild took."""

    seconds: float = 0.0
    peaks: dict[int, int] = field(default_factory=dict)
    """By process, the most memory that it had, in KB."""
    kills: int = 0
    starts: int = 0
    document: dict[str, Any] = field(default_factory=dict)


@click.command(help=__doc__)
@click.option("--events", default=1_000_000, show_default=True)
@click.option("--days", default=60, show_default=True)
@click.option("--pages", default=2000, show_default=True)
@click.option("--processes", default=os.cpu_count() or 1)
@click.option("--live", default=0.0, help="Events a second that come meanwhile.")
@click.option("--kill-every", default=0.0, help="Seconds; 0: nothing is killed.")
@click.option("--seed", default=1, show_default=True, help="Of what is killed.")
def main(  # noqa: PLR0913 - one for each option
    *,
    events: int,
    days: int,
    pages: int,
    processes: int,
    live: float,
    kill_every: float,
    seed: int,
) -> None:
    """Print the figures."""
    rng = Random(seed)  # noqa: S311 - must be repeatable
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        written = write(folder, events, days, pages)
        print(f"{written:,} events over {days} days in the archive", flush=True)
        _print(rebuild(folder, processes, [], 0, rng), written, processes)
        before = _answers(folder, days)
        engine = stack.enter_context(_engine(folder, live)) if live else None
        run = rebuild(folder, processes, [engine.pid] if engine else [], kill_every, rng)
        _print(run, written, processes)
        same = _answers(folder, days) == before
        print(f"answers about those days are {'the same' if same else 'NOT THE SAME'}")
        if not same or run.document["sites"][0]["differences"]:
            raise SystemExit(1)


def rebuild(
    folder: Path, processes: int, engines: Sequence[int], kill_every: float, rng: Random
) -> Run:
    """Rebuild all, again and again where it is killed, until it is done.

    Args:
        folder: of the data.
        processes: that fold.
        engines: processes whose children may be killed.
        kill_every: how many seconds pass between two kills; 0: nothing is killed.
        rng: says what is killed.
    """
    run, began = Run(), time.monotonic()
    kill_at = began + kill_every
    printed = folder / "printed"
    while True:
        process = subprocess.Popen(
            [
                *(*COMMAND, "rebuild", "--all", "--yes", "--json", "--data", str(folder)),
                *("--processes", str(processes)),
            ],
            stdout=printed.open("wb"),
            stderr=subprocess.STDOUT,
        )
        run.starts += 1
        while process.poll() is None:
            time.sleep(LOOK_EVERY_SECONDS)
            own = [process.pid, *_children(process.pid)]
            run.peaks |= {pid: peak for pid in own if (peak := _peak_kb(pid))}
            if kill_every and time.monotonic() >= kill_at:
                victims = own + [child for engine in engines for child in _children(engine)]
                with suppress(ProcessLookupError):
                    os.kill(rng.choice(victims), signal.SIGKILL)
                    run.kills += 1
                kill_at = time.monotonic() + kill_every
        out = printed.read_text()
        if process.returncode == 0:
            run.seconds = time.monotonic() - began
            run.document = json.loads(out.splitlines()[-1])
            return run
        if process.returncode != -signal.SIGKILL:
            raise SystemExit(f"the rebuild ended with {process.returncode}: {out}")


def _print(run: Run, written: int, processes: int) -> None:
    (site,) = run.document["sites"]
    rate = written / run.seconds
    peaks = sorted(run.peaks.values(), reverse=True)
    print(
        f"generation {site['generation']}: {run.seconds:,.1f} s, {rate:,.0f} events/s,"
        f" {rate / processes:,.0f} a core with {processes} processes; memory of the largest"
        f" process {peaks[0] / 1024:,.0f} MB, of the {processes + 1} largest together"
        f" {sum(peaks[: processes + 1]) / 1024:,.0f} MB; {len(site['differences'])} differences;"
        f" {run.kills} kills, started {run.starts} times",
        flush=True,
    )


def _answers(folder: Path, days: int) -> str:
    """Return what the stats API answers about those days, by month and day, but for its times."""
    last = _last_day()
    first = last - timedelta(days=days - 1)
    ranges = [(first, last), *((day, day) for day in _days(first, last))]
    return json.dumps([_answer(folder, *one) for one in ranges])


def _answer(folder: Path, first: date, last: date) -> dict[str, Any]:
    arguments = ("stats", SITE.site_id, "--json", "--data", str(folder))
    done = subprocess.run(
        [*COMMAND, *arguments, "--from", str(first), "--to", str(last)],
        check=True,
        capture_output=True,
        text=True,
    )
    return {k: v for k, v in json.loads(done.stdout).items() if k not in OF_THE_MOMENT}


def _days(first: date, last: date) -> Iterator[date]:
    """Yield some of the days: the first, the last, and one in ten between."""
    yield from sorted(
        {first, last, *(first + timedelta(days=n) for n in range(0, (last - first).days, 10))}
    )


@contextmanager
def _engine(folder: Path, rate: float) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the engine and send it events while the block runs."""
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    engine = _quiet("up", "--data", folder, "--port", port)
    time.sleep(5)
    url = f"http://127.0.0.1:{port}"
    sender = _quiet("simulate", "--url", url, "--site", SITE.site_id, "--rate", rate)
    try:
        yield engine
    finally:
        for process in (sender, engine):
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)


def _quiet(*arguments: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _children(parent: int) -> list[int]:
    """Return the processes that a process has started, and those that these have."""
    with suppress(FileNotFoundError, ProcessLookupError):
        text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        own = [int(pid) for pid in text.split()]
        return [one for pid in own for one in (pid, *_children(pid))]
    return []


def _peak_kb(pid: int) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1])
    return 0


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
    for passed in reversed(range(days)):
        yield from traffic.day(_last_day() - timedelta(days=passed), events / days)


def _last_day() -> date:
    return datetime.now(UTC).date() - timedelta(days=1)


if __name__ == "__main__":
    main()
