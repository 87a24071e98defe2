"""Which site a line of a log belongs to, by its virtual host."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

from liveinsight.imports.access_log import LogLine
from liveinsight.imports.formats.port import LogFormat
from runtime.errors import UsageError
from runtime.sites.site import Site

MOST_NAMED = 5
"""Hosts that a message names."""


class Hosts:
    """Finds the site of a line.

    Args:
        site: the one that the log is imported into; None: the host of each line decides.
        of_host: the site of a host, among all there are.
        every: whether all lines belong to `site`, whatever their host.
    """

    def __init__(
        self,
        site: Site | None,
        of_host: Callable[[str], Site | None] | None = None,
        *,
        every: bool = False,
    ) -> None:
        self._site, self._every = site, every
        self._of_host = lru_cache(maxsize=4096)(of_host) if of_host else None
        self._alias = ""

    @property
    def alias(self) -> str:
        """The one host of the log that is none of the site's, and counts as its own."""
        return self._alias

    def learn(self, form: LogFormat, sample: Sequence[str]) -> None:
        """Look at the first lines: a log of one host is the site's, whatever that host is called.

        Raises:
            UsageError: it has several hosts, and none of them is the site's.
        """
        if self._site is None or self._every:
            return
        read = [line for line in map(form.parse, sample) if isinstance(line, LogLine)]
        hosts = Counter(line.host.removeprefix("www.") for line in read if line.host)
        if not hosts or any(self._site.accepts_host(host) for host in hosts):
            return
        if len(hosts) > 1:
            named = ", ".join(host for host, _ in hosts.most_common(MOST_NAMED))
            raise UsageError(
                f"its lines are of {named}, and none of these is {self._site.site_id}: name the"
                " site of one of them, let the site have a further host with 'liveinsight site set"
                f" {self._site.site_id} --allow-host HOST', or take all with --all-hosts"
            )
        (self._alias,) = hosts

    def site(self, host: str) -> Site | None:
        """Return the site of a line; None: it belongs to none."""
        if self._site is None:
            return self._of_host(host) if self._of_host and host else None
        if not host or self._every or self._site.accepts_host(host):
            return self._site
        bare = host.removeprefix("www.")
        return self._site if bare in {self._alias, self._site.site_id} else None
