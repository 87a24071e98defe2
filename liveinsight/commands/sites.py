"""Add, change and list sites."""

import json
import secrets
import shlex
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from ingest.hits.host import ascii_host, readable_host
from liveinsight.commands.options import console, engine_options, existing, json_option
from liveinsight.commands.parameters import AnyHost, SiteName, TimeZone
from liveinsight.commands.shields import shield_options, shielded
from liveinsight.engine.address import running_at
from runtime.errors import UsageError
from runtime.settings import EmbeddedSettings, Settings
from runtime.sites.goals import Goal, with_goal, without_goal
from runtime.sites.opener import sites
from runtime.sites.partitions import DEFAULT_PARTITIONS, MAX_PARTITIONS, PartitionSchedule
from runtime.sites.site import Site, hash_read_key

WRITE = "li_write_"
ADMIN = "li_admin_"
"""What admin keys begin with, so that nobody takes one for a read key."""
NOT_RUNNING = "http://127.0.0.1:8000"
ON_AWS = "https://YOUR-ADDRESS"
T = TypeVar("T")

allow_host_option = click.option(
    "--allow-host",
    type=AnyHost(),
    multiple=True,
    help="A further host that may send events; *.example.net: any host of one more label.",
)


def keep_option(what: str, since: str) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Return an option for how many days something is kept."""
    return click.option(
        f"--keep-{what}", type=click.IntRange(min=0), metavar="DAYS", help=f"Days, {since}."
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
    default=DEFAULT_PARTITIONS,
    show_default=True,
    help="Ordered parts of its visitors.",
)
@click.option("--url", help="Where browsers reach the server.  [default: where the engine runs]")
@json_option
def site_add(  # noqa: PLR0913 - one for each option
    *,
    site_id: str,
    settings: Settings,
    timezone: str,
    public: bool,
    allow_host: tuple[str, ...],
    partitions: int,
    url: str | None,
    as_json: bool,
) -> None:
    """Add a site by its host name, such as example.com, and print its read key once.

    A site that is there already is left as it is, and its snippet shown again.
    """
    wanted, made_key = new_site(
        site_id=site_id,
        timezone=timezone,
        public=public,
        allowed_hosts=allow_host,
        partitions=PartitionSchedule.always(partitions),
    )
    is_new = sites(settings).add(wanted)
    added = wanted if is_new else _same(sites(settings).get(wanted.site_id) or wanted, wanted)
    read_key = made_key if is_new else None
    if as_json:
        click.echo(json.dumps({**_site_document(added, datetime.now(UTC)), "read_key": read_key}))
        return
    access = "public" if added.public else "private"
    begin = "Added" if is_new else "Already there:"
    readable = readable_host(added.site_id)
    shown = added.site_id if readable == added.site_id else f"{readable} ({added.site_id})"
    console.print(f"{begin} [bold]{shown}[/] ({added.timezone}, {access}).")
    if read_key is not None:
        console.print(f"Read key, shown only now:  {read_key}", soft_wrap=True)
    _show_way_in(added, settings, url, read_key)


def _same(known: Site, wanted: Site) -> Site:
    """Return the site that is there, if it is as it was wanted.

    Raises:
        UsageError: it is not.
    """
    if wanted.timezone not in {known.timezone, "UTC"}:
        raise UsageError(
            f"the site {known.site_id!r} is there already, and its days begin in {known.timezone}:"
            " that cannot change, because its numbers are counted by these days"
        )
    if (wanted.public and not known.public) or set(wanted.allowed_hosts) - {*known.allowed_hosts}:
        raise UsageError(
            f"the site {known.site_id!r} is there already, and is not public or has other hosts:"
            f" 'liveinsight site set {known.site_id}' changes it"
        )
    return known


def _show_way_in(added: Site, settings: Settings, url: str | None, read_key: str | None) -> None:
    """Print what goes into the site's pages, and where its numbers are."""
    running, where, nowhere = None, "", ON_AWS
    if isinstance(settings, EmbeddedSettings):
        running, nowhere = running_at(settings), NOT_RUNNING
        where = f" --data {shlex.quote(str(settings.data))}"
    server = (url or running or nowhere).rstrip("/")
    key = f"#key={read_key}" if read_key and not added.public else ""
    click.echo(
        f'Embed:  <script defer src="{server}/liveinsight.js" data-site="{added.site_id}"></script>'
    )
    click.echo(f"Open:   {server}/?site={added.site_id}{key}")
    if not added.public and read_key is None:
        click.echo(f"Key:    liveinsight site set {added.site_id} --new-read-key{where}")
    if where and running is None:
        click.echo(f"Start:  liveinsight up{where}")


@site.command("set")
@click.argument("site_id", metavar="SITE", type=SiteName())
@engine_options
@click.option("--public/--private", default=None, help="Who may read: anyone, or holders of a key.")
@click.option(
    "--show-visits/--hide-visits",
    "show_visits",
    default=None,
    help="Whether anyone may see single visits of a public site.",
)
@allow_host_option
@click.option(
    "--allow-sandboxed/--refuse-sandboxed",
    "sandboxed",
    default=None,
    help="Whether pages in a sandbox may send events: their Origin is null.",
)
@click.option(
    "--scrub-paths/--keep-paths",
    "scrub_paths",
    default=None,
    help="Whether mail addresses, phone numbers, cards and tokens go from new paths.",
)
@click.option("--new-read-key", is_flag=True, help="Make a further read key and print it.")
@click.option("--revoke-read-keys", is_flag=True, help="Make all read keys of before useless.")
@click.option("--new-admin-key", is_flag=True, help="Make a further admin key and print it.")
@click.option("--revoke-admin-keys", is_flag=True, help="Make all admin keys of before useless.")
@click.option("--new-write-key", is_flag=True, help="Make a further write key and print it.")
@click.option("--revoke-write-keys", is_flag=True, help="Make all write keys of before useless.")
@shield_options
@click.option(
    "--partitions",
    type=click.IntRange(1, MAX_PARTITIONS),
    help="Ordered parts of its visitors from tomorrow on; at most twice today's.",
)
@click.option("--goal", metavar="NAME", help="Add or change a goal: with --page, or --event.")
@click.option("--page", metavar="PATTERN", help="Of the goal: such as /thanks or /blog/*.")
@click.option("--event", metavar="NAME", help="Of the goal: a custom event.")
@click.option("--property", "prop", metavar="KEY=VALUE", help="Of the goal's event.")
@click.option("--revenue", is_flag=True, help="Add up the money that comes with the goal.")
@click.option("--no-goal", metavar="NAME", help="Remove a goal.")
@keep_option("raw-events", "after they came")
@keep_option("states", "for states of visitors, after their last change")
@keep_option("rollups", "after the day that they are of; 0: for ever")
@keep_option("archive", "after they came; 0: for ever")
def site_set(  # noqa: PLR0913 - one for each option
    *,
    site_id: str,
    settings: Settings,
    public: bool | None,
    show_visits: bool | None,
    allow_host: tuple[str, ...],
    sandboxed: bool | None,
    scrub_paths: bool | None,
    new_read_key: bool,
    revoke_read_keys: bool,
    new_admin_key: bool,
    revoke_admin_keys: bool,
    new_write_key: bool,
    revoke_write_keys: bool,
    partitions: int | None,
    goal: str | None,
    page: str | None,
    event: str | None,
    prop: str | None,
    revenue: bool,
    no_goal: str | None,
    **given: Any,
) -> None:
    """Change who may read a site, what it is sent, what it drops, and what is kept how long."""
    known_site(settings, site_id)
    read_key, admin_key, now = _new_read_key(), _new_read_key(ADMIN), datetime.now(UTC)
    write_key = _new_read_key(WRITE)
    added = _goal(goal, page=page, event=event, prop=prop, revenue=revenue)

    def change(site: Site) -> Site:
        hashes = () if revoke_read_keys else site.read_key_hashes
        admin = () if revoke_admin_keys else site.admin_key_hashes
        write = () if revoke_write_keys else site.write_key_hashes
        changed = replace(
            shielded(site, given),
            public=site.public if public is None else public,
            public_visits=site.public_visits if show_visits is None else show_visits,
            allowed_hosts=tuple(dict.fromkeys((*site.allowed_hosts, *allow_host))),
            sandboxed=site.sandboxed if sandboxed is None else sandboxed,
            scrub_paths=site.scrub_paths if scrub_paths is None else scrub_paths,
            read_key_hashes=(*hashes, hash_read_key(read_key)) if new_read_key else hashes,
            admin_key_hashes=(*admin, hash_read_key(admin_key)) if new_admin_key else admin,
            write_key_hashes=(*write, hash_read_key(write_key)) if new_write_key else write,
            goals=_changed_goals(site.goals, added, no_goal),
            retention=replace(
                site.retention,
                **{
                    name.removeprefix("keep_"): days
                    for name, days in given.items()
                    if name.startswith("keep_") and days is not None
                },
            ),
        )
        return changed if partitions is None else changed.with_partitions(partitions, now=now)

    changed = sites(settings).update(site_id, change)
    if changed is None:
        raise UsageError(f"there is no site {site_id!r} any more")
    click.echo(json.dumps(_site_document(changed, now)))
    if new_read_key:
        click.echo(f"Read key, shown only now:  {read_key}")
    if new_admin_key:
        click.echo(f"Admin key, shown only now:  {admin_key}")
    if new_write_key:
        click.echo(f"Write key, shown only now:  {write_key}")
    if partitions is not None:
        click.echo(f"Partitions: {_partitions(changed, now)}")


@site.command("list")
@engine_options
@json_option
def site_list(*, settings: Settings, as_json: bool) -> None:
    """List the sites."""
    found, now = sites(existing(settings)).list(), datetime.now(UTC)
    if as_json:
        click.echo(json.dumps({"sites": [_site_document(one, now) for one in found]}))
        return
    for one in found:
        access = "public" if one.public else "private"
        console.print(
            f"{readable_host(one.site_id):40} {one.timezone:24} {access:8}"
            f" partitions: {_partitions(one, now)}"
            f"  kept: {_kept(one)}",
            soft_wrap=True,
        )
        for goal in one.goals:
            console.print(f"  goal {goal.name}: {_reached_by(goal)}", soft_wrap=True, markup=False)


def _goal(name: str | None, *, prop: str | None, **about: Any) -> Goal | None:
    """Return the goal that is to be added.

    Raises:
        UsageError: it cannot be, or what is of a goal stands without one.
    """
    if name is None:
        if prop is not None or any(about.values()):
            raise UsageError("--page, --event, --property and --revenue are of a goal: add --goal")
        return None
    key, equals, value = (prop or "").partition("=")
    if prop is not None and not (key and equals and value):
        raise UsageError(f"--property {prop!r}: write it as plan=pro")
    texts = {what: text for what, text in about.items() if text}
    return Goal(name=name, prop=key, value=value, **texts)


def _changed_goals(
    goals: tuple[Goal, ...], added: Goal | None, removed: str | None
) -> tuple[Goal, ...]:
    left = goals if removed is None else without_goal(goals, removed)
    return left if added is None else with_goal(left, added)


def _reached_by(goal: Goal) -> str:
    if goal.page:
        return f"page {goal.page}"
    having = f" with {goal.prop}={goal.value}" if goal.prop else ""
    return f"event {goal.event}{having}{', revenue' if goal.revenue else ''}"


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


def _new_read_key(prefix: str = "li_") -> str:
    return f"{prefix}{secrets.token_urlsafe(24)}"


def new_site(site_id: str, **settings: Any) -> tuple[Site, str]:
    """Return a site and the key that reads it."""
    read_key = _new_read_key()
    host = ascii_host(site_id.lower()).removeprefix("www.").removesuffix(".")
    hashes = (hash_read_key(read_key),)
    return Site(site_id=host, read_key_hashes=hashes, **settings), read_key


def _partitions(one: Site, now: datetime) -> str:
    """Say how many there are today, and how many there will be."""
    today = one.local_day(now)
    later = one.partitions.after(today).items()
    return ", ".join(
        (str(one.partitions.number_on(today)), *(f"from {day}: {number}" for day, number in later))
    )


def _kept(one: Site) -> str:
    """Say for how long what is kept."""
    state = "; an erasure has begun: run it again" if one.erasing else ""
    return (
        ", ".join(
            f"{name.replace('_', ' ')} {f'{days} d' if days else 'for ever'}"
            for name, days in asdict(one.retention).items()
        )
        + state
    )


def _site_document(one: Site, now: datetime) -> dict[str, Any]:
    today = one.local_day(now)
    later = one.partitions.after(today).items()
    return {
        "site_id": one.site_id,
        "timezone": one.timezone,
        "partitions": one.partitions.number_on(today),
        "partitions_from": {day.isoformat(): number for day, number in later},
        "public": one.public,
        "public_visits": one.public_visits,
        "allowed_hosts": one.allowed_hosts,
        "sandboxed": one.sandboxed,
        "tokens": one.tokens.value,
        "shields": asdict(one.shields),
        "scrub_paths": one.scrub_paths,
        "goals": [asdict(goal) for goal in one.goals],
        "retention_days": asdict(one.retention),
        "archived_from": one.archived_from and one.archived_from.isoformat(),
        "erasing": one.erasing,
    }
