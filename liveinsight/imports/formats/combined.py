"""Logs of Apache, nginx and those who write like them: a request in quotes behind its time.

    203.0.113.7 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 512 "referrer" "user agent"

https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats
https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format

Servers put more before the address, between the parts, and behind them. Where the client stands is
the same in all lines of a log, and never what merely stands first: `layout.py` finds it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from liveinsight.imports.access_log import MAX_LINE_LENGTH, LogLine, Malformed
from liveinsight.imports.formats.fields import (
    BRACKETED_TIME,
    CLF_TIME,
    ISO_TIME,
    QUOTED,
    client_address,
    client_name,
    field,
    host_of,
    parse_request,
    parse_time,
    tokens,
    unescape,
)

REQUEST_END = re.compile(r'" (\d{3})(?= |\Z)', re.ASCII)
LIST_COMMA = re.compile(r",\s+")
PARTS = ("client", "host", "time", "middle", "request", "status", "referrer", "agent")
MIDDLE = -1
"""The place of a virtual host that stands between the time and the request."""

PREFIXES: Mapping[str, str] = {
    "syslog": r"(?:<\d{1,3}>)?[A-Z][a-z]{2}\ [\ \d]\d\ \d\d:\d\d:\d\d\ \S{1,255}\ [^\s:]{1,255}:\ ",
    "syslog (ISO time)": (
        r"(?:<\d{1,3}>)?\d{4}-\d\d-\d\dT[\d:.,]{8,20}(?:Z|[+-]\d\d:?\d\d)\ \S{1,255}"
        r"\ [^\s:]{1,255}:\ "
    ),
    "syslog (RFC 5424)": r"<\d{1,3}>\d{1,2}\ \d{4}-\d\d-\d\dT\S{1,40}\ (?:\S{1,255}\ ){3}-\ ",
    "container": r"\d{4}-\d\d-\d\dT[\d:.]{8,20}(?:Z|[+-]\d\d:\d\d)\ (?:std(?:out|err)\ [FP]\ )?",
    "compose": r"[\w.-]{1,255}\ {1,40}\|\ (?:\d{4}-\d\d-\d\dT[\d:.]{8,20}Z\ )?",
    "pod": r"\[[\w./-]{1,255}\]\ ",
    "grep": r"[^\s:\"\[]{1,1000}:(?:\d{1,12}:)?",
}
"""What collectors of logs put before a line, and how it is known."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the lines of one log have what.

    Args:
        client: the place of the client among the words before the time, from 0 on.
        host: the place of the virtual host there, or MIDDLE.
        field: the client's field in the whole line, from 1 on, where it is not before the time.
        names: whether the client may be a name, which servers look up.
        prefix: what stands before each line, by its name in PREFIXES.
        behind: how many fields stand behind the user agent.
    """

    client: int = 0
    host: int | None = None
    field: int | None = None
    names: bool = False
    prefix: str = ""
    behind: int = 0


class CombinedFormat:
    """Reads lines as a layout says."""

    def __init__(self, layout: Layout, name: str = "combined") -> None:
        self.name = name
        self.layout = layout
        prefix = PREFIXES.get(layout.prefix)
        self._prefix = re.compile(prefix, re.ASCII | re.VERBOSE) if prefix else None
        self._line = _pattern(layout)

    @property
    def roles(self) -> dict[str, str]:
        """Say where it finds what."""
        layout = self.layout
        found = {"client": f"field {layout.field or layout.client + 1}"}
        if layout.host is not None:
            between = layout.host == MIDDLE
            found["host"] = "between time and request" if between else f"field {layout.host + 1}"
        if layout.prefix:
            found["prefix"] = layout.prefix
        return {
            **found,
            "time": "in brackets",
            "request": "in quotes behind the time",
            "status": "behind the request",
            "referrer": "first in quotes behind the status",
            "agent": "second in quotes behind the status",
        }

    def parse(self, line: str) -> LogLine | Malformed | None:
        """Read one line.

        The closing quote of the user agent may be missing where the line ends with it: servers cut
        lines that are too long, and the request itself is whole.
        """
        if len(line) > MAX_LINE_LENGTH:
            return Malformed("length")
        start = 0
        if self._prefix is not None:
            found = self._prefix.match(line)
            start = found.end() if found else 0
        if line[start : start + 1] == "#":
            return None
        match = self._line.fullmatch(line, start)
        if match is None:
            return self._unusual(line, start)
        client, host, time, middle, request, status, referrer, agent = match.group(*PARTS)
        if self.layout.host == MIDDLE:
            host = middle
        return self._read(
            line, start, client, host, time, request, status,
            "" if referrer is None else field(referrer),
            None if agent is None else field(agent),
        )  # fmt: skip

    def _read(  # noqa: PLR0913, PLR0917 - the parts of a line
        self,
        line: str,
        start: int,
        client: str | None,
        host: str | None,
        time: str,
        request: str,
        status: str,
        referrer: str,
        agent: str | None,
    ) -> LogLine | Malformed:
        at = parse_time(time)
        if at is None:
            return Malformed("time")
        asked = parse_request(unescape(request))
        if asked is None:
            return Malformed("request")
        address = self._client(line, start, client or "")
        if not address:
            return Malformed("client")
        named = host_of(host.strip()) if host else ""
        return LogLine(
            address, at, asked.method, asked.target, int(status), referrer, agent,
            named or asked.host, start,
        )  # fmt: skip

    def _client(self, line: str, start: int, first: str) -> str:
        number = self.layout.field
        if number is not None:
            joined = LIST_COMMA.sub(",", line[start:])
            named = next(islice(tokens(joined), number - 1, None), "")
            address = client_address(named)
            if address:
                return address
        return client_address(first) or (client_name(first) if self.layout.names else "")

    def _unusual(self, line: str, start: int) -> LogLine | Malformed:
        """Read a line with brackets in the user's name, or quotes that nobody escaped."""
        when = BRACKETED_TIME.search(line, start)
        if when is None:
            return Malformed("line")
        begin = line.find('"', when.end())
        end = REQUEST_END.search(line, begin + 1) if begin >= 0 else None
        if end is None:
            return Malformed("line")
        before = LIST_COMMA.sub(",", line[start : when.start()]).split()
        quoted = _quoted(line[end.end() :], self.layout.behind)
        if quoted is None or self.layout.client >= len(before):
            return Malformed("line")
        place = self.layout.host
        if place == MIDDLE:
            host = line[when.end() : begin]
        else:
            host = before[place] if place is not None and place < len(before) else ""
        return self._read(
            line, start, before[self.layout.client], host, when["time"],
            line[begin + 1 : end.start()], end[1], *quoted,
        )  # fmt: skip


def _pattern(layout: Layout) -> re.Pattern[str]:
    """Return the pattern of a layout's lines: each part is taken once, nothing is tried twice."""
    word = r"[^\s,\"\[]++(?:,\ ?[^\s,\"\[]++)*+"
    host = layout.host if layout.host is not None else MIDDLE
    names = {layout.client: "?P<client>", host: "?P<host>"}
    places = range(max(layout.client, host) + 1)
    words = r"\ ".join(f"({names.get(place, '?:')}{word})" for place in places)
    nothing = "(?P<host>)" if host == MIDDLE else ""
    return re.compile(
        rf"{words}{nothing}\ [^\[\"]*+\[(?P<time>{CLF_TIME}|{ISO_TIME})\](?P<middle>[^\"]*+)"
        rf'"(?P<request>{QUOTED})"\ (?P<status>\d{{3}})(?:\ [^\"]*+)?+'
        rf'(?:"(?P<referrer>{QUOTED})"\ "(?P<agent>{QUOTED})(?:"(?:\ .*+)?)?)?',
        re.ASCII | re.VERBOSE | re.DOTALL,
    )


def _quoted(rest: str, behind: int) -> tuple[str, str | None] | None:
    """Return referrer and user agent of what follows the status; None where they are cut off."""
    begin = rest.find('"')
    if begin < 0:
        return "", None
    middle = rest.find('" "', begin + 1)
    if middle < 0:
        return None
    agent = rest[middle + 3 :]
    end = agent.find('" ') if behind else agent.rfind('"')
    return field(rest[begin + 1 : middle]), field(agent if end < 0 else agent[:end])


def is_request(line: str, start: int = 0) -> re.Match[str] | None:
    """Return where a line has its time, if a request follows it."""
    when = BRACKETED_TIME.search(line, start)
    if when is None:
        return None
    begin = line.find('"', when.end())
    return when if begin >= 0 and REQUEST_END.search(line, begin + 1) else None


__all__ = [
    "LIST_COMMA",
    "MIDDLE",
    "PREFIXES",
    "CombinedFormat",
    "Layout",
    "is_request",
]
