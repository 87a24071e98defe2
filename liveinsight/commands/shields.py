"""Options that say what a site takes, and what it drops."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import click

from runtime.sites.shields import LISTS, Shields, Tokens, added
from runtime.sites.site import Site

T = TypeVar("T")

OPTIONS = (
    click.option(
        "--tokens",
        type=click.Choice([one.value for one in Tokens]),
        help="Whether events must show a token; observe: no, and those without are counted apart.",
    ),
    click.option(
        "--drop-address", multiple=True, metavar="RANGE", help="Drop what comes from 192.0.2.0/24."
    ),
    click.option("--drop-country", multiple=True, metavar="CODE", help="Drop a country, DE say."),
    click.option("--drop-page", multiple=True, metavar="PATTERN", help="Drop pages like /admin/*."),
    click.option(
        "--drop-host", multiple=True, metavar="HOST", help="Drop pages of dev.example.com, or *.it."
    ),
    click.option(
        "--drop-agent", multiple=True, metavar="TEXT", help="Drop user agents with this in them."
    ),
    click.option(
        "--undrop", multiple=True, metavar="ENTRY", help="Take an entry out of those lists."
    ),
    click.option(
        "--daily-quota",
        type=click.IntRange(min=0),
        metavar="EVENTS",
        help="Events of a day, about; 0: any number.",
    ),
)
NAMES = {
    "addresses": "drop_address",
    "countries": "drop_country",
    "pages": "drop_page",
    "hosts": "drop_host",
    "agents": "drop_agent",
}


def shield_options(command: Callable[..., T]) -> Callable[..., T]:
    """Give a command the options."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def shielded(site: Site, given: Mapping[str, Any]) -> Site:
    """Return a site with what the options say.

    Raises:
        UsageError: an entry cannot be.
    """
    shields = Shields(
        **{
            name: added(
                getattr(site.shields, name), _spelled(name, given[NAMES[name]]), given["undrop"]
            )
            for name in LISTS
        },
        daily_quota=(
            site.shields.daily_quota if given["daily_quota"] is None else given["daily_quota"]
        ),
    )
    tokens = site.tokens if given["tokens"] is None else Tokens(given["tokens"])
    return replace(site, shields=shields, tokens=tokens)


def _spelled(name: str, entries: tuple[str, ...]) -> tuple[str, ...]:
    match name:
        case "countries":
            return tuple(entry.upper() for entry in entries)
        case "hosts":
            return tuple(entry.lower() for entry in entries)
        case _:
            return entries
