"""Erase a visitor, the past of a site, or all of it."""

import json
import time
from datetime import UTC, date, datetime
from typing import Any

import click

from aggregates.seal import FIRST_DAY
from aggregates.window import day_start
from liveinsight.commands.options import console, engine_options, errors, existing, json_option
from liveinsight.commands.parameters import Day
from liveinsight.erasure.erasure import Erasure, Receipt
from liveinsight.erasure.opener import erasable_stream, erasure_of
from processors.erasure.selection import Selection
from runtime.errors import UsageError
from runtime.settings import AwsSettings, Settings
from runtime.sites.opener import sites
from runtime.sites.site import Site
from schemas.event import VISITOR_ID_LENGTH

WHAT = {
    "archived_records": "records of the archive",
    "archived_events": "events in them",
    "archive_objects": "objects of the archive, written anew",
    "stream_records": "records of the stream",
    "spilled_records": "records of the spill",
    "raw_events": "raw events",
    "visitor_states": "states of visitors",
    "live_minutes": "minutes of the live view",
    "dead_letters": "dead letters",
    "malformed_hits": "records with malformed hits",
    "rollup_items": "rollup items",
    "import_checkpoints": "checkpoints of imports",
    "salts": "salts",
    "sites": "settings of the site, with its keys",
    "old_versions": "older versions of objects",
}
"""What a receipt counts."""


@click.command("erase")
@click.option("--site", "site_id", required=True, help="The site.")
@click.option("--visitor", metavar="ID", help="This visitor: 16 hex digits, as exports have them.")
@click.option(
    "--before", type=Day(), metavar="DAY", help="What happened, or was received, before this day."
)
@click.option(
    "--site-all", is_flag=True, help="All of the site, with its settings, keys and salts."
)
@click.option("--keep-totals", is_flag=True, help="Leave what is counted as it is.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@engine_options
@json_option
def erase(
    *, site_id: str, settings: Settings, as_json: bool, yes: bool, keep_totals: bool, **what: Any
) -> None:
    """Erase a visitor, the past of a site, or all of it, wherever it is kept.

    The site is counted anew from what is left, so that its numbers stay true to that; with
    --keep-totals they stay as they are. It may run while the engine does. If it was stopped, run
    it again: it goes on. Where nothing is left to be erased, it says so, and exits with 0.
    """
    began = time.monotonic()
    site = sites(existing(settings)).get(site_id)
    selection = _selection(site_id, site, **what)
    if selection.is_site and keep_totals:
        raise UsageError("--keep-totals cannot be given with --site-all: its totals go, too")
    stream = erasable_stream(settings)
    with stream.alone(), errors.status("") as status:
        erasure = erasure_of(settings, stream, on_step=status.update)
        if not yes:
            _ask(erasure, selection, status.stop, as_json=as_json)
            status.start()
        receipt = erasure.run(selection, keep_totals=keep_totals)
    document = {**_document(selection, receipt), "seconds": round(time.monotonic() - began, 3)}
    if as_json:
        click.echo(json.dumps(document))
        return
    _show(selection, receipt)
    if isinstance(settings, AwsSettings) and not receipt.is_empty:
        console.print(
            "Kinesis has the records until its retention ends; backups and point-in-time recovery"
            " of tables remember what they held: see docs/privacy.md",
            soft_wrap=True,
        )


def _selection(
    site_id: str, site: Site | None, *, visitor: str | None, before: date | None, site_all: bool
) -> Selection:
    """Return what is to be erased.

    Raises:
        UsageError: it is said wrongly, or there is no such site.
    """
    if (visitor is not None) + (before is not None) + site_all != 1:
        raise UsageError("say what: --visitor ID, --before DAY or --site-all, one of them")
    if site_all:
        return Selection(site_id)  # one that is gone may have left something: a run that was killed
    if site is None:
        raise UsageError(f"there is no site {site_id!r}: 'liveinsight site list' names them")
    if visitor is not None:
        return Selection(site_id, visitor_id=_visitor_id(visitor))
    if before is None or before > site.local_day(datetime.now(UTC)):
        raise UsageError(f"--before {before} is in the future: the latest is today's date")
    return Selection(site_id, before=day_start(max(before, FIRST_DAY), site.timezone))


def _visitor_id(text: str) -> bytes:
    try:
        visitor_id = bytes.fromhex(text)
    except ValueError:
        visitor_id = b""
    if len(visitor_id) != VISITOR_ID_LENGTH or not any(visitor_id):
        raise UsageError(
            f"--visitor {text!a} is no visitor id: write 16 hex digits, as 'liveinsight export'"
            " gives them in the column visitor_id"
        )
    return visitor_id


def _ask(erasure: Erasure, selection: Selection, pause: Any, *, as_json: bool) -> None:
    """Show what is to be erased, and ask.

    Raises:
        UsageError: there is nobody to ask.
        Abort: the answer is no.
    """
    found = erasure.find(selection)
    pause()
    if found.is_empty and not selection.is_site:
        return
    if as_json or not console.is_terminal:
        raise UsageError("nobody can be asked here: look, then run it with --yes")
    console.print(f"{_name(selection)}: to be erased:")
    _lines(found)
    click.confirm("Nothing brings it back. Erase it?", abort=True)


def _show(selection: Selection, receipt: Receipt) -> None:
    if receipt.is_empty:
        console.print(f"{_name(selection)}: nothing was found", soft_wrap=True)
        return
    console.print(f"{_name(selection)}: erased:", soft_wrap=True)
    _lines(receipt)
    if receipt.recounted:
        days = sorted(receipt.days)
        about = f", {days[0]} to {days[-1]}" if days else ""
        console.print(f"Counted anew without it{about}.", soft_wrap=True)
    if receipt.still_arriving:
        console.print("More of it came meanwhile, and may be there: run it again.", soft_wrap=True)


def _lines(receipt: Receipt) -> None:
    for name, what in WHAT.items():
        if count := receipt.counts.get(name, 0):
            console.print(f"  {count:>12,}  {what}", soft_wrap=True)


def _name(selection: Selection) -> str:
    if selection.is_site:
        return f"all of {selection.site_id}"
    if selection.visitor_id:
        return f"visitor {selection.visitor_id.hex()} of {selection.site_id}"
    moment = datetime.fromtimestamp((selection.before or 0) / 1000, UTC)
    return f"{selection.site_id} before {moment:%Y-%m-%d %H:%M} UTC"


def _document(selection: Selection, receipt: Receipt) -> dict[str, Any]:
    days = sorted(receipt.days)
    return {
        "site_id": selection.site_id,
        "visitor_id": selection.visitor_id.hex() or None,
        "before_ms": selection.before,
        "site_all": selection.is_site,
        "erased": {name: receipt.counts.get(name, 0) for name in WHAT},
        "first_day": days[0].isoformat() if days else None,
        "last_day": days[-1].isoformat() if days else None,
        "recounted": receipt.recounted,
        "still_arriving": receipt.still_arriving,
    }
