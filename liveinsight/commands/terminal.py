"""What a terminal shows: answers and reports as tables, long work as a bar."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from liveinsight.commands.console import plain

if TYPE_CHECKING:
    from aggregates.stores.difference import Difference
    from liveinsight.imports.importer import ImportReport
    from liveinsight.traffic.simulator import SimulationReport
    from processors.dead_letter import DeadLetter

BARS = " ▁▂▃▄▅▆▇█"
MOST_DIFFERENCES = 30
BREAKDOWNS = ("page", "source", "country", "browser", "device")


def show_stats(console: Console, answer: Mapping[str, Any], rows: int) -> None:
    """Print the answer of the stats API: of an overview a part, of one breakdown all."""
    console.print(
        f"[bold]{answer['site_id']}[/]  {answer['from']} to {answer['to']}  ({answer['timezone']})"
    )
    console.print(_totals(answer["totals"]))
    if "dimension" in answer:
        dimension, offset = answer["dimension"], answer["offset"]
        shown = answer["breakdowns"][dimension]
        console.print(f"{len(shown):,} after {offset:,}, of {answer['values']:,} values\n")
        console.print(_breakdown(dimension, shown))
        return
    series = [point["pageviews"] for point in answer["series"]]
    console.print(f"pageviews by {answer['interval']}  {sparkline(series)}\n")
    for name in BREAKDOWNS:
        console.print(_breakdown(name, answer["breakdowns"][name][:rows]))


def show_realtime(console: Console, answer: Mapping[str, Any]) -> None:
    """Print the answer of the realtime API."""
    current = answer["current_visitors"]
    noun = "visitor" if current == 1 else "visitors"
    console.print(f"[bold]{answer['site_id']}[/]  {current:,} current {noun}")
    console.print(f"pageviews by minute  {sparkline(answer['pageviews_per_minute'])}\n")
    for name, rows in answer["top"].items():
        console.print(_breakdown(name, rows))


STATES = {
    "balanced": "[bold green]balanced[/]",
    "in_flight": "[bold yellow]in flight[/]",
    "broken": "[bold red]broken[/]",
}


def show_reconciliation(console: Console, answer: Mapping[str, Any]) -> None:
    """Print the answer of the reconciliation API."""
    console.print(
        f"[bold]{answer['site_id']}[/]  {answer['from']} to {answer['to']}  ({answer['timezone']})"
        f"  {STATES[answer['state']]}{_on_the_way(answer)}",
        soft_wrap=True,
    )
    for one in answer["broken"]:
        place = f"{one['where']}, {one['day']}" if one["day"] else one["where"]
        console.print(f"[red]{plain(place)}: {plain(one['what'])}[/]", soft_wrap=True)
    if answer["compared_from"]:
        console.print(
            f"The stages are compared from {answer['compared_from']} on: before, days began in"
            " another time zone.",
            soft_wrap=True,
        )
    heads = ("day", "received", "= accepted", "+ duplicates", "+ rejected", "archived", "counted")
    table = Table(*heads, box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in (*answer["days"], {"day": "[bold]all[/]", **answer}):
        table.add_row(row["day"], *_account(row))
    console.print(table)
    for reason, count in sorted(answer["rejected"].items(), key=lambda entry: -entry[1]):
        console.print(f"{count:>9,} rejected: {plain(reason.replace('_', ' '))}")
    for what in ("unaccounted", "unarchived", "uncounted"):
        if answer[what]:
            console.print(f"{answer[what]:>+9,} {what}")


def _on_the_way(answer: Mapping[str, Any]) -> str:
    if answer["state"] != "in_flight":
        return ""
    return f" ({answer['in_flight']:,} waiting, oldest {answer['oldest']})"


def _account(row: Mapping[str, Any]) -> Iterator[str]:
    yield f"{row['received']:,}"
    yield f"{row['accepted']:,}"
    yield f"{row['duplicates']:,}"
    yield f"{sum(row['rejected'].values()):,}"
    for stage in ("archived", "counted"):
        mark = "[green]=[/]" if row[stage] == row["accepted"] else "[red]≠[/]"
        yield f"{mark} {row[stage]:,}"


def show_differences(
    console: Console, site_id: str, days: int, found: "Sequence[Difference]"
) -> None:
    """Print what two generations differ in, by day, dimension and metric."""
    if not found:
        console.print(f"{site_id}: {days:,} days compared, no number differs")
        return
    console.print(f"{site_id}: {days:,} days compared, {len(found):,} differences")
    table = Table("day", "dimension", "metric", "values", "now", "then", box=None, pad_edge=False)
    for column in table.columns[3:]:
        column.justify = "right"
    for one in found[:MOST_DIFFERENCES]:
        numbers = (f"{one.values:,}", f"{one.before:,}", f"{one.after:,}")
        table.add_row(one.day.isoformat(), one.dimension.value, one.metric, *numbers)
    console.print(table)
    if len(found) > MOST_DIFFERENCES:
        console.print(f"and {len(found) - MOST_DIFFERENCES:,} more: --json prints all")


def import_document(report: "ImportReport") -> dict[str, Any]:
    """Return what an import did, as JSON."""
    return {
        "lines_read": report.lines_read,
        "counted": report.counted,
        "left_out": {reason.value: count for reason, count in report.left_out.items()},
        "already_imported": report.already_imported,
        "skipped": report.skipped,
        "format": report.format,
        "fields": dict(report.roles),
        "days": {day.isoformat(): count for day, count in sorted(report.run.per_day.items())},
        "malformed": list(report.malformed),
        "notes": list(report.notes),
    }


def letter_document(letter: "DeadLetter") -> dict[str, Any]:
    """Return a dead letter, as JSON."""
    return {
        "name": letter.name,
        "reason": letter.reason,
        "redriven": letter.redriven,
        "reader_version": letter.reader_version,
        "partition_key": letter.record.partition_key,
        "arrived_at": letter.record.arrived_at,
        "data": b64encode(letter.record.data).decode(),
    }


def read_as(name: str, roles: Mapping[str, str]) -> str:
    """Return what a log was taken for, and what of it for what."""
    return f"read as {name} ({', '.join(f'{role}: {where}' for role, where in roles.items())})"


def show_import(console: Console, report: "ImportReport") -> None:
    """Print what an import did: the lines, counted and left out by reason, add up."""
    if report.format:
        console.print(plain(read_as(report.format, report.roles)), soft_wrap=True)
    table = Table("lines", "", box=None, pad_edge=False, show_header=False)
    table.columns[0].justify = "right"
    table.add_row(f"{report.counted:,}", "counted as page views")
    for reason, count in sorted(report.left_out.items(), key=lambda entry: -entry[1]):
        table.add_row(f"{count:,}", f"left out: {reason.value.replace('_', ' ')}")
    table.add_row(f"[bold]{report.lines_read:,}[/]", "[bold]lines read[/]")
    if report.already_imported:
        table.add_row(f"{report.already_imported:,}", "imported before, not read again")
    if report.skipped:
        table.add_row(f"{report.skipped:,}", "skipped by --from-line")
    console.print(table)
    for line in report.malformed:
        console.print(f"cannot be read: {plain(line)}", soft_wrap=True)
    for note in report.notes:
        console.print(f"[yellow]Look at this: {plain(note)}[/]", soft_wrap=True)


def show_simulation(console: Console, report: "SimulationReport") -> None:
    """Print what became of simulated traffic."""
    console.print(
        f"{report.sent:,} events in {report.requests:,} requests: {report.accepted:,} accepted,"
        f" {report.duplicates:,} duplicates, {report.rejected:,} rejected, {report.failed:,} failed"
    )
    console.print(
        f"{report.seconds:.1f} s, {report.events_per_second:,.0f} events/s, latency"
        f" p50 {report.latency_p50 * 1000:.1f} ms, p95 {report.latency_p95 * 1000:.1f} ms,"
        f" p99 {report.latency_p99 * 1000:.1f} ms"
    )
    if report.problem:
        console.print(f"first problem: {plain(report.problem)}")


@contextmanager
def progress_bar(console: Console, what: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar; gives a function that takes how much is done and, where known, of how much."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,}"),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task(what, total=None)

        def show(done: int, total: int | None) -> None:
            progress.update(task, completed=done, total=total)

        yield show


def sparkline(values: Sequence[int]) -> str:
    """Return bars, the highest of which stands for the greatest value."""
    highest = max(values, default=0) or 1
    return "".join(BARS[-(-value * (len(BARS) - 1) // highest)] for value in values)


def _totals(totals: Mapping[str, Any]) -> Table:
    table = Table(
        "visitors", "visits", "pageviews", "bounce rate", "visit duration", box=None, pad_edge=False
    )
    bounce_rate, duration = totals["bounce_rate"], totals["visit_duration_seconds"]
    table.add_row(
        f"{totals['visitors']:,}",
        f"{totals['visits']:,}",
        f"{totals['pageviews']:,}",
        "-" if bounce_rate is None else f"{bounce_rate:.0%}",
        "-" if duration is None else f"{duration:.0f} s",
    )
    return table


def _breakdown(name: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(name, "visitors", "pageviews", box=None, pad_edge=False, min_width=60)
    table.columns[0].ratio = 1
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        pageviews = f"{row['pageviews']:,}" if "pageviews" in row else ""
        table.add_row(plain(row["value"]), f"{row['visitors']:,}", pageviews)
    table.add_row("")
    return table
