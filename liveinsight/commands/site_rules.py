"""Change what of a site's addresses counts as one page, and which referrers are no source."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace

import click

from liveinsight.commands.options import engine_options
from liveinsight.commands.parameters import Host, SiteName
from liveinsight.commands.sites import known_site, site
from runtime.errors import UsageError
from runtime.settings import Settings
from runtime.sites.opener import sites
from runtime.sites.pages import AS_THEY_ARE, PageRules
from runtime.sites.site import Site


@site.command("rules")
@click.argument("site_id", metavar="SITE", type=SiteName())
@engine_options
@click.option("--drop-slash/--keep-slash", default=None, help="Whether /about/ is /about.")
@click.option("--lower-case/--keep-case", default=None, help="Whether /About is /about.")
@click.option("--index-file", metavar="NAME", multiple=True, help="A file that is its folder.")
@click.option("--keep-parameter", metavar="NAME", multiple=True, help="Tells pages apart.")
@click.option("--fold", metavar="PATTERN", multiple=True, help="Pages that are one: '/order/*'.")
@click.option("--reset-pages", is_flag=True, help="Begin without any rule for pages.")
@click.option("--ignore-referrer", type=Host(), multiple=True, help="A host that is no source.")
@click.option("--reset-referrers", is_flag=True, help="Begin without any such host.")
def site_rules(  # noqa: PLR0913 - one for each option
    *,
    site_id: str,
    settings: Settings,
    drop_slash: bool | None,
    lower_case: bool | None,
    index_file: Sequence[str],
    keep_parameter: Sequence[str],
    fold: Sequence[str],
    reset_pages: bool,
    ignore_referrer: Sequence[str],
    reset_referrers: bool,
) -> None:
    """Show, and change, which paths of a site are one page, and which hosts are no source.

    Rules hold from then on: what is counted stays as it is.
    """
    known_site(settings, site_id)

    def change(one: Site) -> Site:
        rules = AS_THEY_ARE if reset_pages else one.pages
        hosts = () if reset_referrers else one.ignored_referrers
        return replace(
            one,
            pages=PageRules(
                drop_slash=rules.drop_slash if drop_slash is None else drop_slash,
                lower_case=rules.lower_case if lower_case is None else lower_case,
                index_files=_with(rules.index_files, index_file),
                parameters=_with(rules.parameters, keep_parameter),
                folds=_with(rules.folds, fold),
            ),
            ignored_referrers=_with(hosts, ignore_referrer),
        )

    changed = sites(settings).update(site_id, change)
    if changed is None:
        raise UsageError(f"there is no site {site_id!r} any more")
    rules = asdict(changed.pages)
    click.echo(json.dumps({**rules, "ignored_referrers": changed.ignored_referrers}))


def _with(known: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *more)))
