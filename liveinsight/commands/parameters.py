"""Types of what is given on the command line: each refuses what could only fail later."""

import math
from datetime import date
from typing import Any
from zoneinfo import available_timezones

import click
from click.types import StringParamType

from ingest.hits.host import ascii_host
from runtime.errors import UsageError
from runtime.sites.shields import check_host
from runtime.sites.site import SITE_ID

NO_ZONES = frozenset({"Factory", "localtime", "posixrules"})
"""Files of the time zone database that are no place's zone."""


class Finite(click.FloatRange):
    """A number that is one: neither nan, which no bound stops, nor without end."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


class Day(StringParamType):
    """A date, such as 2026-11-01."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the date."""
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no day: write it as 2026-11-01", param, ctx)


class Host(StringParamType):
    """A host name, as browsers send that of a page: lower case, no port, in ASCII."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the host name."""
        host = ascii_host(str(value).lower())
        if not SITE_ID.fullmatch(host):
            self.fail(f"{value!r} is no host name: write it as pay.example.com", param, ctx)
        return host


class AnyHost(StringParamType):
    """A host name, in which a label may be *: any one label."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the host name."""
        host = str(value).lower()
        if not SITE_ID.fullmatch(host.replace("*", "x")):
            self.fail(f"{value!r} is no host name: write it as pay.example.com", param, ctx)
        try:
            check_host(host)
        except UsageError as error:
            self.fail(str(error), param, ctx)
        return host


class SiteName(StringParamType):
    """The name of a site, as it is kept: an internationalised one in ASCII."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        """Return the name."""
        return ascii_host(str(value).lower()) if not str(value).isascii() else str(value)


class TimeZone(StringParamType):
    """The IANA name of a time zone."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name."""
        if value not in available_timezones() - NO_ZONES:
            self.fail(
                f"no time zone is named {value!r}: use an IANA name, such as Europe/Berlin",
                param,
                ctx,
            )
        return str(value)


class ReadKey(StringParamType):
    """A read key, or none: what can stand in a header."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the key."""
        key = str(value)
        if not (key.isascii() and key.isprintable()):
            self.fail("this is no read key: 'liveinsight site add' prints one", param, ctx)
        return key
