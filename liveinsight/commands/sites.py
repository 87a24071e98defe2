"""Add, change and list sites."""

import json
import os
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from liveinsight.commands.options import console, data_option, json_option
from liveinsight.engine.processes import existing_data
from liveinsight.operations.bootstrap import default_partitions, is_on_aws, site_store
from runtime.errors import UsageError
from runtime.sites.site import Site, SiteStore, hash_read_key


@click.group()
def site() -> None:
    """Add, change and list sites."""


@site.command("add")
@click.argument("site_id")
@data_option
@click.option("--timezone", default="UTC", show_default=True, help="IANA name; where days begin.")
@click.option("--public", is_flag=True, help="Let anyone read the numbers, without a key.")
@click.option("--allow-host", multiple=True, help="A further host that may send events.")
@click.option(
    "--partitions", type=int, help="Ordered parts of its visitors.  [default: 4; on AWS 8]"
)
@json_option
def site_add(  # noqa: PLR0913 - one for each option
    *,
    site_id: str,
    data: Path,
    timezone: str,
    public: bool,
    allow_host: tuple[str, ...],
    partitions: int | None,
    as_json: bool,
) -> None:
    """Add a site by its host name, such as example.com, and print its read key once."""
    added, read_key = new_site(
        site_id=site_id,
        timezone=timezone,
        public=public,
        allowed_hosts=allow_host,
        partitions=default_partitions(os.environ) if partitions is None else partitions,
    )
    if not site_store(os.environ, data).add(added):
        raise UsageError(f"the site {added.site_id!r} exists already")
    if as_json:
        click.echo(json.dumps({**_site_document(added), "read_key": read_key}))
        return
    console.print(f"Added [bold]{added.site_id}[/] ({timezone}{', public' if public else ''}).")
    console.print(f"Read key, shown only now:  {read_key}")
    server = "https://YOUR-ADDRESS" if is_on_aws(os.environ) else "http://127.0.0.1:8000"
    click.echo(
        f'Embed:  <script defer data-site="{added.site_id}" src="{server}/liveinsight.js"></script>'
    )


@site.command("set")
@click.argument("site_id", metavar="SITE")
@data_option
@click.option("--public/--private", default=None, help="Who may read: anyone, or holders of a key.")
@click.option("--allow-host", multiple=True, help="A further host that may send events.")
@click.option("--new-read-key", is_flag=True, help="Make a further read key and print it.")
@click.option("--revoke-read-keys", is_flag=True, help="Make all read keys of before useless.")
def site_set(
    *,
    site_id: str,
    data: Path,
    public: bool | None,
    allow_host: tuple[str, ...],
    new_read_key: bool,
    revoke_read_keys: bool,
) -> None:
    """Change who may read a site's numbers and which hosts may send it events."""
    sites = sites_of(data)
    found = sites.get(site_id)
    if found is None:
        known = ", ".join(one.site_id for one in sites.list()) or "none yet"
        raise UsageError(f"there is no site {site_id!r} (sites: {known})")
    read_key = _new_read_key()
    hashes = () if revoke_read_keys else found.read_key_hashes
    changed = replace(
        found,
        public=found.public if public is None else public,
        allowed_hosts=tuple(dict.fromkeys((*found.allowed_hosts, *allow_host))),
        read_key_hashes=(*hashes, hash_read_key(read_key)) if new_read_key else hashes,
    )
    sites.replace(changed)
    click.echo(json.dumps(_site_document(changed)))
    if new_read_key:
        click.echo(f"Read key, shown only now:  {read_key}")


@site.command("list")
@data_option
@json_option
def site_list(*, data: Path, as_json: bool) -> None:
    """List the sites."""
    documents = [_site_document(one) for one in sites_of(data).list()]
    if as_json:
        click.echo(json.dumps({"sites": documents}))
        return
    for one in documents:
        access = "public" if one["public"] else "private"
        console.print(f"{one['site_id']:40} {one['timezone']:24} {access}")


def sites_of(data: Path) -> SiteStore:
    """Return the sites of the engine that LIVEINSIGHT_ENGINE names."""
    if not is_on_aws(os.environ):
        existing_data(data)
    return site_store(os.environ, data)


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
