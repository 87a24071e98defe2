"""Logs whose lines say in `#Fields:` what they hold: CloudFront's, IIS's, and others of W3C.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
https://learn.microsoft.com/en-us/windows/win32/http/w3c-logging
https://www.w3.org/TR/WD-logfile.html
"""

from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from liveinsight.imports.access_log import MAX_LINE_LENGTH, LogLine, Malformed
from liveinsight.imports.formats.fields import (
    client_address,
    host_of,
    parse_time,
    target_of,
)

FIELDS = "#Fields:"
CLIENTS = ("c-ip",)
HOSTS = ("x-host-header", "cs-host", "cs(host)")
STATUS_LENGTH = 3
NEEDED = ("date", "time", "cs-method", "cs-uri-stem", "sc-status")


class W3cFormat:
    """Reads such a log: a line `#Fields:` may come again, with other fields.

    Args:
        name: `cloudfront` or `iis`.
        client: the field of the client's address; empty: the usual one.
    """

    def __init__(self, name: str, client: str = "") -> None:
        self.name = name
        self._asked = client.lower()
        self._places: Mapping[str, int] = {}
        self._columns = 0

    @property
    def roles(self) -> dict[str, str]:
        """Say where it finds what."""
        known = self._places
        named = {
            "client": self._first((self._asked,) if self._asked else CLIENTS),
            "host": self._first(HOSTS),
            "referrer": self._first(("cs(referer)",)),
            "agent": self._first(("cs(user-agent)",)),
        }
        found = {role: name for role, name in named.items() if name}
        always = {"time": "date time", "request": "cs-method cs-uri-stem", "status": "sc-status"}
        return {**found, **always} if known else {}

    def parse(self, line: str) -> LogLine | Malformed | None:
        """Read one line."""
        if len(line) > MAX_LINE_LENGTH:
            return Malformed("length")
        if line.startswith("#"):
            if line.startswith(FIELDS):
                self._learn(line[len(FIELDS) :].split())
            return None
        if not self._places:
            return Malformed("fields")
        values = line.split("\t") if "\t" in line else line.split()
        if len(values) != self._columns:
            return Malformed("line")
        return self._read(values)

    def _learn(self, names: Sequence[str]) -> None:
        places = {name.lower(): place for place, name in enumerate(names)}
        self._places = places if all(name in places for name in NEEDED) else {}
        self._columns = len(names)

    def _first(self, names: Sequence[str]) -> str:
        return next((name for name in names if name in self._places), "")

    def _read(self, values: Sequence[str]) -> LogLine | Malformed:
        places = self._places
        at = parse_time(f"{values[places['date']]}T{values[places['time']]}")
        if at is None:
            return Malformed("time")
        client = self._first((self._asked,) if self._asked else CLIENTS)
        address = client_address(unquote(values[places[client]])) if client else ""
        if not address:
            return Malformed("client")
        status = values[places["sc-status"]]
        if not (len(status) == STATUS_LENGTH and status.isascii() and status.isdigit()):
            return Malformed("status")
        query = self._text(values, "cs-uri-query")
        stem = values[places["cs-uri-stem"]]
        asked = target_of(values[places["cs-method"]], f"{stem}?{query}" if query else stem)
        has_agent = "cs(user-agent)" in places
        return LogLine(
            address=address,
            at=at,
            method=asked.method,
            target=asked.target,
            status=int(status),
            referrer=self._readable(self._text(values, "cs(referer)")),
            user_agent=self._readable(self._text(values, "cs(user-agent)")) if has_agent else None,
            host=host_of(self._text(values, self._first(HOSTS))),
        )

    def _text(self, values: Sequence[str], name: str) -> str:
        text = values[self._places[name]] if name in self._places else ""
        return "" if text == "-" else text

    def _readable(self, text: str) -> str:
        """Undo how the server writes spaces: IIS as plus signs, CloudFront encoded, or twice so."""
        if self.name == "iis":
            return text.replace("+", " ")
        once = unquote(text) if "%" in text else text
        return unquote(once) if "%20" in once else once
