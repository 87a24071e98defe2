"""Measures the embedded engine as a whole, over HTTP, with everything that it runs on one machine.

    python -m benchmarks.engine [--seconds 8] [--write]

The load client is on the same machine, and takes its part of it. After the last load everything
that was accepted must be archived and counted. CPU time is of the processes by role, read from
/proc (Linux). `--write` puts the table into docs/performance.md.
"""

import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import urllib3

import benchmarks.reads
from benchmarks.load import Sent, send
from liveinsight.caller import RECONCILIATION_PATH, STATS_PATH
from runtime.settings import EmbeddedSettings, Variable
from runtime.sites.opener import sites
from runtime.sites.site import Site

SITE = Site(site_id="demo.example", import_secret="0" * 64, public=True)
HISTORY = 1_000_000
"""Events of the 400 days that are asked for."""
LOADS = ((1, 1), (16, 1), (64, 1), (256, 1), (16, 50))
"""Connections, and events a request."""
READERS = (0, 1, 4)
COUNTED_WITHIN = 300.0
TICKS = os.sysconf("SC_CLK_TCK")
DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- python -m benchmarks.engine --write -->\n", "<!-- end -->\n"


@dataclass(frozen=True, slots=True)
class Engine:
    """A running `liveinsight up`."""

    url: str
    pid: int
    data: Path

    def cpu(self) -> dict[str, float]:
        """Return the CPU seconds that each role has taken."""
        spent: dict[str, float] = {}
        for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split():
            role = Path(f"/proc/{child}/cmdline").read_text().split("\0")[3]
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            spent[role] = spent.get(role, 0) + (int(fields[11]) + int(fields[12])) / TICKS
        return spent

    def ask(self, path: str, **parameters: str) -> dict[str, object]:
        """Ask a read API."""
        answer = urllib3.request("GET", self.url + path, fields=parameters, timeout=60)
        found: dict[str, object] = answer.json()
        return found


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    sent: Sent
    cpu: dict[str, float]
    """Seconds, by role."""
    asked: int = 0
    """Questions that were answered meanwhile."""

    def cells(self) -> tuple[str, ...]:
        """Return the line's cells."""
        each = {
            role: f"{seconds / self.sent.events * 1e6:.0f}" for role, seconds in self.cpu.items()
        }
        return (
            self.what,
            f"{self.sent.requests / self.sent.seconds:,.0f}",
            f"{self.sent.events / self.sent.seconds:,.0f}",
            f"{self.sent.percentile(0.5) * 1000:.1f}",
            f"{self.sent.percentile(0.99) * 1000:.1f}",
            each.get("collector", ""),
            f"{self.asked / self.sent.seconds:.0f}" if self.asked else "",
        )


HEADINGS = ("load", "requests/s", "events/s", "p50 ms", "p99 ms", "collector us/event", "reads/s")


@click.command(help=__doc__)
@click.option("--seconds", default=8.0, show_default=True, help="Of each load.")
@click.option("--write", is_flag=True, help="Write docs/performance.md.")
def main(*, seconds: float, write: bool) -> None:
    """Print the table, and perhaps write it down."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as engine:
        rows: list[Row] = []
        for row in measured(engine, seconds):
            print(" | ".join(row.cells()), flush=True)
            rows.append(row)
        counted = until_counted(engine, sum(row.sent.events for row in rows))
    print(counted)
    if write:
        before, _, rest = DOCUMENT.read_text().partition(BEGIN)
        _, _, after = rest.partition(END)
        DOCUMENT.write_text(f"{before}{BEGIN}{document(rows, counted)}{END}{after}")


def measured(engine: Engine, seconds: float) -> Iterator[Row]:
    """Yield a line for each load."""
    for connections, events in LOADS:
        kind = "one event a request" if events == 1 else f"{events} events a request"
        what = f"{connections} connections, {kind}" if connections > 1 else f"1 connection, {kind}"
        yield load(engine, what, connections, events, seconds)
    for readers in READERS:
        with asking(engine, readers) as answered:
            row = load(engine, f"16 connections beside {readers} that ask", 16, 1, seconds)
            yield Row(row.what, row.sent, row.cpu, answered())


def load(engine: Engine, what: str, connections: int, events: int, seconds: float) -> Row:
    """Send for some time."""
    before = engine.cpu()
    sent = send(engine.url, SITE.site_id, connections=connections, events=events, seconds=seconds)
    after = engine.cpu()
    return Row(what, sent, {role: spent - before.get(role, 0) for role, spent in after.items()})


@contextmanager
def asking(engine: Engine, readers: int) -> Iterator[Callable[[], int]]:
    """Ask for 28 days in a loop while the block runs; give what tells how often that was done."""
    stop = threading.Event()
    answered: list[int] = []
    last = datetime.now(UTC).date() - timedelta(days=1)
    question = {
        "site_id": SITE.site_id,
        "from": (last - timedelta(days=27)).isoformat(),
        "to": last.isoformat(),
    }

    def ask() -> None:
        while not stop.is_set():
            engine.ask(STATS_PATH, **question)
            answered.append(1)

    threads = [threading.Thread(target=ask) for _ in range(readers)]
    for thread in threads:
        thread.start()
    try:
        yield lambda: len(answered)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def until_counted(engine: Engine, events: int) -> str:
    """Wait until all is counted; say how long it took, and that it is exact.

    Raises:
        RuntimeError: it is not.
    """
    began = time.monotonic()
    before = engine.cpu()
    while time.monotonic() - began < COUNTED_WITHIN:
        days = {"from": _today(-1), "to": _today(0)}
        told = engine.ask(RECONCILIATION_PATH, site_id=SITE.site_id, **days)
        if told["archived"] == told["counted"] == events:
            took = time.monotonic() - began
            spent = engine.cpu()["consumer"] - before["consumer"]
            return (
                f"{events:,} events accepted, archived and counted; the last {took:.0f} s after the"
                f" last answer. The consumers took {engine.cpu()['consumer'] / events * 1e6:.0f} us"
                f" of CPU an event, {spent:.0f} s of it after the last answer."
            )
        time.sleep(0.2)
    raise RuntimeError(f"{events} events were accepted, and the ledger says {told}")


def document(rows: Sequence[Row], counted: str) -> str:
    """Return the table in Markdown, with what it was measured on."""
    processor = platform.processor() or platform.machine()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        named = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
        processor = named[0] if named else processor
    table = [HEADINGS, ("---", *["---:"] * (len(HEADINGS) - 1)), *(row.cells() for row in rows)]
    lines = [f"| {' | '.join(cells)} |" for cells in table]
    where = (
        f"Measured on {datetime.now(UTC).date().isoformat()}: {os.cpu_count()} cores, {processor};"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}."
    )
    return "\n".join([where, "", *lines, "", counted, ""])


@contextmanager
def running(data: Path) -> Iterator[Engine]:
    """Run the engine on a folder with history."""
    settings = EmbeddedSettings(data)
    sites(settings).add(SITE)
    benchmarks.reads.write(settings, HISTORY)
    command = [sys.executable, "-m", "liveinsight.cli", "up", "--data", str(data), "--port", "8767"]
    # Few addresses send all of it: more than a client may.
    rates = {one.value: "1000000" for one in (Variable.CLIENT_RATE, Variable.SITE_RATE)}
    environment = {**os.environ, **rates}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        for _ in process.stdout or ():
            break  # it says that it is up
        try:
            yield Engine("http://127.0.0.1:8767", process.pid, data)
        finally:
            process.terminate()


def _today(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


if __name__ == "__main__":
    main()
