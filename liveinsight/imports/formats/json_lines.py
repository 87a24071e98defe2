"""Logs whose lines are JSON: Caddy's, Traefik's, and what nginx and others are made to write.

https://caddyserver.com/docs/logging
https://doc.traefik.io/traefik/observability/access-logs/
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from liveinsight.imports.access_log import MAX_LINE_LENGTH, LogLine, Malformed
from liveinsight.imports.formats.fields import (
    Request,
    client_address,
    host_of,
    parse_request,
    parse_time,
    target_of,
)

NAMES: Mapping[str, Sequence[str]] = {
    "client": (
        *("request.client_ip", "request.remote_ip", "request.remote_addr", "ClientHost"),
        *("ClientIP", "client_ip", "clientip", "remote_addr", "remote_ip", "client", "ip"),
    ),
    "time": (
        *("time_iso8601", "StartUTC", "time_local", "msec", "ts", "EdgeStartTimestamp"),
        *("@timestamp", "timestamp", "time"),
    ),
    "method": (
        "request.method",
        "RequestMethod",
        "ClientRequestMethod",
        "request_method",
        "method",
    ),
    "target": (
        *("request.uri", "RequestPath", "ClientRequestURI", "request_uri", "uri", "path", "url"),
    ),
    "request": ("request",),
    "status": (
        *("status", "DownstreamStatus", "OriginStatus", "EdgeResponseStatus", "status_code"),
        *("response",),
    ),
    "referrer": (
        *("request.headers.Referer", "request_Referer", "ClientRequestReferer", "http_referer"),
        *("http_referrer", "referer", "referrer"),
    ),
    "agent": (
        *("request.headers.User-Agent", "request_User-Agent", "ClientRequestUserAgent"),
        *("http_user_agent", "user_agent", "userAgent", "agent"),
    ),
    "host": (
        *("request.host", "RequestHost", "ClientRequestHost", "http_host", "host", "vhost"),
        *("server_name",),
    ),
}
"""What servers call what, the surest first."""
CADDY, TRAEFIK, JSON = "caddy", "traefik", "json"
MOST_STATUS = 999
NANOSECONDS = 10**14


class JsonFormat:
    """Reads such a log.

    Args:
        client: the field of the client's address, or the header of the request that names it;
            empty: the usual one.
    """

    def __init__(self, client: str = "") -> None:
        self._client = _spellings(client)
        self.name = JSON
        self.roles: dict[str, str] = {}

    def parse(self, line: str) -> LogLine | Malformed | None:
        """Read one line."""
        if len(line) > MAX_LINE_LENGTH:
            return Malformed("length")
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            return Malformed("line")
        return self._read(found) if isinstance(found, dict) else Malformed("line")

    def _read(self, found: Mapping[str, Any]) -> LogLine | Malformed:
        asked = self._request(found)
        if asked is None:
            return Malformed("request")
        at = _time(self._value(found, "time"))
        if at is None:
            return Malformed("time")
        address = self._address(found)
        if not address:
            return Malformed("client")
        status = _status(self._value(found, "status"))
        if status is None:
            return Malformed("status")
        return LogLine(
            address=address,
            at=at,
            method=asked.method,
            target=asked.target,
            status=status,
            referrer=_text(self._value(found, "referrer")),
            user_agent=_text(self._value(found, "agent")),
            host=host_of(_text(self._value(found, "host"))) or asked.host,
        )

    def _request(self, found: Mapping[str, Any]) -> Request | None:
        method = _text(self._value(found, "method"))
        target = _text(self._value(found, "target"))
        if method and target:
            return target_of(method, target)
        line = found.get("request")
        if not isinstance(line, str):
            return None
        self.roles.setdefault("request", "request")
        return parse_request(line)

    def _address(self, found: Mapping[str, Any]) -> str:
        for name in self._client:
            address = client_address(_text(_at(found, name)))
            if address:
                self.roles["client"] = name
                return address
        return "" if self._client else client_address(_text(self._value(found, "client")))

    def _value(self, found: Mapping[str, Any], role: str) -> Any:
        """Return what a line has for a role: where others had it, or where it is called so."""
        known = self.roles.get(role)
        if known is not None:
            value = _at(found, known)
            if value is not None:
                return value
        for name in NAMES[role]:
            value = _at(found, name)
            if value is not None and not isinstance(value, dict):
                self.roles[role] = name
                self._name(name)
                return value
        return None

    def _name(self, name: str) -> None:
        if self.name == JSON and name.startswith("request."):
            self.name = CADDY
        elif self.name == JSON and name in {"ClientHost", "RequestPath", "DownstreamStatus"}:
            self.name = TRAEFIK


def _spellings(name: str) -> tuple[str, ...]:
    """Return where a header may be that somebody names."""
    if not name:
        return ()
    title = "-".join(part.capitalize() for part in name.replace("_", "-").split("-"))
    low = name.lower().replace("-", "_")
    return (
        *(name, f"request.headers.{title}", f"request.headers.{name}", f"request_{title}"),
        *(low, f"http_{low}"),
    )


def _at(found: Mapping[str, Any], name: str) -> Any:
    if name in found:
        return found[name]
    value: Any = found
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    if not isinstance(value, str) or value == "-":
        return ""
    return value.encode(errors="replace").decode()


def _time(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        value = f"{value / 10**6:.0f}" if value > NANOSECONDS else f"{value:.3f}"
    return parse_time(value) if isinstance(value, str) else None


def _status(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:4])
    is_status = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_STATUS
    return value if is_status else None
