"""Export what the product holds of a site."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import click

from liveinsight.commands.options import console, engine_options, errors, existing, json_option
from liveinsight.commands.parameters import Day
from liveinsight.commands.sites import known_site
from liveinsight.commands.terminal import progress_bar
from liveinsight.exports.columns import ROLLUPS
from query.columns import EVENTS, Row
from runtime.errors import UsageError
from runtime.settings import Settings

if TYPE_CHECKING:
    from liveinsight.exports.output import Output
    from runtime.sites.site import Site

PROGRESS_ROWS = 500


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be exported."""

    site: "Site"
    settings: Settings
    first: date
    last: date


@click.command("export")
@engine_options
@click.option("--site", "site_id", required=True, help="The site.")
@click.option("--from", "first", type=Day(), help="First day.  [default: that of the first event]")
@click.option("--to", "last", type=Day(), help="Last day, included.  [default: of the last event]")
@click.option("--rollups", is_flag=True, help="What is counted by day, instead of single events.")
@click.option("--format", "format_", type=click.Choice(["parquet", "csv", "ndjson"]), required=True)
@click.option("--out", required=True, metavar="FILE|FOLDER/|-", help="Where to; - is the screen.")
@json_option
def export(  # noqa: PLR0913 - one for each option
    *,
    settings: Settings,
    site_id: str,
    first: date | None,
    last: date | None,
    rollups: bool,
    format_: str,
    out: str,
    as_json: bool,
) -> None:
    """Write the events of a site, or what is counted of it, to a file for other tools.

    Every accepted event is there once, with all that is known of it. The engine may run meanwhile.
    """
    from liveinsight.exports.formats import Format  # noqa: PLC0415 - starts would take longer
    from liveinsight.exports.output import exported_to  # noqa: PLC0415

    wanted = _Wanted(
        known_site(existing(settings), site_id),
        settings,
        first or date.min,
        last or datetime.max.replace(tzinfo=UTC).date(),
    )
    if wanted.first > wanted.last:
        raise UsageError(f"--from {wanted.first} is after --to {wanted.last}")
    began = time.monotonic()
    sheet = ROLLUPS if rollups else EVENTS
    with exported_to(out, sheet, Format(format_)) as output:
        source = _RollupSource(wanted) if rollups else _EventSource(wanted, output)
        with progress_bar(errors, sheet.name) as shown:
            for number, row in enumerate(source, 1):
                output.write(row)
                if number % PROGRESS_ROWS == 0:
                    shown(number, None)
    document = {
        "site_id": wanted.site.site_id,
        "timezone": wanted.site.timezone,
        "out": out,
        "format": format_,
        **source.document(),
        "files": len(output.files),
        "bytes": output.bytes,
        "seconds": round(time.monotonic() - began, 3),
    }
    _print(document, to_stderr=out == "-", as_json=as_json)


class _EventSource:
    """Rows of events, and what came of reading them."""

    def __init__(self, wanted: _Wanted, output: "Output") -> None:
        from liveinsight.exports.archived_events import ArchivedEvents  # noqa: PLC0415
        from processors.archive.store import ObjectArchiveStore  # noqa: PLC0415
        from runtime.objects.opener import objects  # noqa: PLC0415

        archive = ObjectArchiveStore(objects(wanted.settings, "archive"))
        self._events = ArchivedEvents(
            wanted.site, archive, output.scratch, wanted.first, wanted.last
        )

    def __iter__(self) -> Iterator[Row]:
        from liveinsight.exports.event_row import row_of  # noqa: PLC0415

        return map(row_of, self._events)

    def document(self) -> dict[str, Any]:
        tally = asdict(self._events.tally)
        first, last = tally.pop("first_day"), tally.pop("last_day")
        return {
            "from": first and first.isoformat(),
            "to": last and last.isoformat(),
            **tally,
        }


class _RollupSource:
    """Rows of what is counted."""

    def __init__(self, wanted: _Wanted) -> None:
        from aggregates.stores.opener import rollups, seals  # noqa: PLC0415
        from liveinsight.exports.rollup_rows import days_counted  # noqa: PLC0415

        self._wanted = wanted
        stores = rollups(wanted.settings), seals(wanted.settings)
        self._days = days_counted(wanted.site, *stores, wanted.first, wanted.last)
        self._rows = 0

    def __iter__(self) -> Iterator[Row]:
        from aggregates.stores.opener import reading  # noqa: PLC0415
        from liveinsight.exports.rollup_rows import rollup_rows  # noqa: PLC0415

        read = reading(self._wanted.settings)
        for day in self._days:
            for row in rollup_rows(self._wanted.site, read, day):
                self._rows += 1
                yield row

    def document(self) -> dict[str, Any]:
        ends = (
            (self._days[0].isoformat(), self._days[-1].isoformat()) if self._days else (None,) * 2
        )
        return {"from": ends[0], "to": ends[1], "days": len(self._days), "rows": self._rows}


def _print(document: dict[str, Any], *, to_stderr: bool, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(document), err=to_stderr)
        return
    what = (
        f"{document['rows']:,} rows of {document['days']:,} days"
        if "rows" in document
        else f"{document['events']:,} events, {document['duplicates']:,} duplicates left out"
    )
    (errors if to_stderr else console).print(
        f"{what}, {document['from']} to {document['to']} ({document['timezone']}):"
        f" {document['bytes']:,} bytes in {document['seconds']:.1f} s",
        soft_wrap=True,
    )
