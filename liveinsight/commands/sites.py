"""Add, change and list sites."""

import json
import secrets
from dataclasses import replace
from typing import Any

import click

from liveinsight.commands.options import console, engine_options, existing, json_option
from liveinsight.commands.parameters import Host, TimeZone
from runtime.errors import UsageError
from runtime.settings import AwsSettings, Settings
from runtime.sites.opener import sites
from runtime.sites.site import DEFAULT_PARTITIONS, MAX_PARTITIONS, Site, hash_read_key

AWS_PARTITIONS = 8
"""Of a new site on AWS: the more, the more visitors can be counted at the same time."""

allow_host_option = click.option(
    "--allow-host", type=Host(), multiple=True, help="A further host that may send events."
)


@click.group()
def site() -> None:
    """Add, change and list sites."""


@site.command("add")
@click.argument("site_id")
@engine_options
@click.option(
    "--timezone",
    type=TimeZone(),
    default="UTC",
    show_default=True,
    help="IANA name; where days begin.",
)
@click.option("--public", is_flag=True, help="Let anyone read the numbers, without a key.")
@allow_host_option
@click.option(
    "--partitions",
    type=click.IntRange(1, MAX_PARTITIONS),
    help="Ordered parts of its visitors.  [default: 4; on AWS 8]",
)
@json_option
def site_add(  # noqa: PLR0913 - one for each option
    *,
    site_id: str,
    settings: Settings,
    timezone: str,
    public: bool,
    allow_host: tuple[str, ...],
    partitions: int | None,
    as_json: bool,
) -> None:
    """Add a site by its host name, such as example.com, and print its read key once."""
    is_on_aws = isinstance(settings, AwsSettings)
    default = AWS_PARTITIONS if is_on_aws else DEFAULT_PARTITIONS
    added, read_key = new_site(
        site_id=site_id,
        timezone=timezone,
        public=public,
        allowed_hosts=allow_host,
        partitions=partitions or default,
    )
    if not sites(settings).add(added):
        raise UsageError(f"the site {added.site_id!r} exists already")
    if as_json:
        click.echo(json.dumps({**_site_document(added), "read_key": read_key}))
        return
    console.print(f"Added [bold]{added.site_id}[/] ({timezone}{', public' if public else ''}).")
    console.print(f"Read key, shown only now:  {read_key}")
    server = "https://YOUR-ADDRESS" if is_on_aws else "http://127.0.0.1:8000"
    click.echo(
        f'Embed:  <script defer data-site="{added.site_id}" src="{server}/liveinsight.js"></script>'
    )


@site.command("set")
@click.argument("site_id", metavar="SITE")
@engine_options
@click.option("--public/--private", default=None, help="Who may read: anyone, or holders of a key.")
@allow_host_option
@click.option("--new-read-key", is_flag=True, help="Make a further read key and print it.")
@click.option("--revoke-read-keys", is_flag=True, help="Make all read keys of before useless.")
def site_set(
    *,
    site_id: str,
    settings: Settings,
    public: bool | None,
    allow_host: tuple[str, ...],
    new_read_key: bool,
    revoke_read_keys: bool,
) -> None:
    """Change who may read a site's numbers and which hosts may send it events."""
    found = known_site(settings, site_id)
    read_key = _new_read_key()
    hashes = () if revoke_read_keys else found.read_key_hashes
    changed = replace(
        found,
        public=found.public if public is None else public,
        allowed_hosts=tuple(dict.fromkeys((*found.allowed_hosts, *allow_host))),
        read_key_hashes=(*hashes, hash_read_key(read_key)) if new_read_key else hashes,
    )
    sites(settings).replace(changed)
    click.echo(json.dumps(_site_document(changed)))
    if new_read_key:
        click.echo(f"Read key, shown only now:  {read_key}")


@site.command("list")
@engine_options
@json_option
def site_list(*, settings: Settings, as_json: bool) -> None:
    """List the sites."""
    documents = [_site_document(one) for one in sites(existing(settings)).list()]
    if as_json:
        click.echo(json.dumps({"sites": documents}))
        return
    for one in documents:
        access = "public" if one["public"] else "private"
        console.print(f"{one['site_id']:40} {one['timezone']:24} {access}")


def known_site(settings: Settings, site_id: str) -> Site:
    """Return a site's settings.

    Raises:
        UsageError: the site does not exist.
    """
    store = sites(existing(settings))
    site = store.get(site_id)
    if site is None:
        known = ", ".join(one.site_id for one in store.list()) or "none yet"
        raise UsageError(f"there is no site {site_id!r} (sites: {known})")
    return site


def _new_read_key() -> str:
    return f"li_{secrets.token_urlsafe(24)}"


def new_site(site_id: str, **settings: Any) -> tuple[Site, str]:
    """Return a site and the key that reads it."""
    read_key = _new_read_key()
    host = site_id.lower().removeprefix("www.")
    hashes = (hash_read_key(read_key),)
    return Site(site_id=host, read_key_hashes=hashes, **settings), read_key


def _site_document(one: Site) -> dict[str, Any]:
    return {
        "site_id": one.site_id,
        "timezone": one.timezone,
        "partitions": one.partitions,
        "public": one.public,
        "allowed_hosts": one.allowed_hosts,
    }
