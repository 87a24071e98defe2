"""Logs whose format somebody describes, as it stands in the configuration of nginx or Apache.

https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format
https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats
"""

import re
from collections.abc import Iterator, Mapping

from liveinsight.imports.access_log import MAX_LINE_LENGTH, LogLine, Malformed
from liveinsight.imports.formats.fields import (
    Request,
    client_address,
    client_name,
    field,
    host_of,
    parse_request,
    parse_time,
    target_of,
    unescape,
)
from runtime.errors import UsageError

MOST_FIELDS = 60
MAX_FORMAT = 4000
_NGINX = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_APACHE = re.compile(r"%(?:!?\d[\d,]*)?([<>]?)(?:\{([^}]*)\})?(\^?[A-Za-z]{1,2}|%)")

NGINX_ROLES: Mapping[str, str] = {
    "remote_addr": "client",
    "realip_remote_addr": "proxy",
    "host": "host",
    "http_host": "host",
    "server_name": "server",
    "time_local": "time",
    "time_iso8601": "time",
    "msec": "time",
    "request": "request",
    "request_method": "method",
    "request_uri": "target",
    "uri": "path",
    "document_uri": "path",
    "args": "query",
    "query_string": "query",
    "status": "status",
    "http_referer": "referrer",
    "http_user_agent": "agent",
}
APACHE_ROLES: Mapping[str, str] = {
    "h": "client",
    "a": "client",
    "v": "host",
    "V": "host",
    "t": "time",
    "r": "request",
    "m": "method",
    "U": "path",
    "q": "query",
    "s": "status",
}
APACHE_HEADERS: Mapping[str, str] = {
    "referer": "referrer",
    "user-agent": "agent",
    "host": "host",
}
NEEDED = ("client", "time", "status")
_APACHE_TIME = {"sec": "time", "msec": "time"}
_INSTEAD = {"host": ("server",), "client": ("proxy",)}


class DescribedFormat:
    """Reads lines as a format says.

    Args:
        kind: `nginx` or `apache`.
        description: the format, as it stands in the configuration.
        client: the variable or header that names the client; empty: the usual one.

    Raises:
        UsageError: it is no such format, or lacks what a page view needs.
    """

    def __init__(self, kind: str, description: str, client: str = "") -> None:
        self.name = kind
        if not 0 < len(description) <= MAX_FORMAT:
            raise UsageError(
                f"--format {kind}:'...' needs a format of at most {MAX_FORMAT} letters"
            )
        parts = list(_nginx(description) if kind == "nginx" else _apache(description))
        self._names = [name for _, name in parts if name]
        asked = client.lower().replace("-", "_")
        self._places = self._roles(kind, asked)
        self._line = _pattern(kind, parts)
        self._refuse_incomplete(kind)

    @property
    def roles(self) -> dict[str, str]:
        """Say where it finds what."""
        return {role: self._names[place] for role, place in self._places.items()}

    def parse(self, line: str) -> LogLine | Malformed | None:
        """Read one line."""
        if len(line) > MAX_LINE_LENGTH:
            return Malformed("length")
        found = self._line.fullmatch(line)
        return Malformed("line") if found is None else self._read(found.groups())

    def _read(self, values: tuple[str, ...]) -> LogLine | Malformed:
        at = parse_time(self._raw(values, "time").strip("[]"))
        if at is None:
            return Malformed("time")
        asked = self._request(values)
        if asked is None:
            return Malformed("request")
        client = self._raw(values, "client")
        address = client_address(client) or client_name(client)
        if not address:
            return Malformed("client")
        status = self._raw(values, "status")
        if not (len(status) == 3 and status.isascii() and status.isdigit()):  # noqa: PLR2004
            return Malformed("status")
        host = self._raw(values, "host") if "host" in self._places else ""
        return LogLine(
            address=address,
            at=at,
            method=asked.method,
            target=asked.target,
            status=int(status),
            referrer=field(self._raw(values, "referrer")) if "referrer" in self._places else "",
            user_agent=field(self._raw(values, "agent")) if "agent" in self._places else None,
            host=host_of(host) or asked.host,
        )

    def _raw(self, values: tuple[str, ...], role: str) -> str:
        return values[self._places[role]]

    def _request(self, values: tuple[str, ...]) -> Request | None:
        if "request" in self._places:
            return parse_request(unescape(self._raw(values, "request")))
        method = self._raw(values, "method") if "method" in self._places else "GET"
        if "target" in self._places:
            return target_of(method, unescape(self._raw(values, "target")))
        path = unescape(self._raw(values, "path"))
        query = field(self._raw(values, "query")) if "query" in self._places else ""
        return target_of(method, f"{path}?{query.removeprefix('?')}" if query else path)

    def _roles(self, kind: str, asked: str) -> dict[str, int]:  # noqa: C901 - one pass
        places: dict[str, int] = {}
        for place, name in enumerate(self._names):
            role = NGINX_ROLES.get(name) if kind == "nginx" else _apache_role(name)
            if asked and asked in {name.lower().replace("-", "_"), _header(name)}:
                places["client"] = place
            elif role == "client" and asked:
                continue
            elif role:
                places.setdefault(role, place)
        if asked and "client" not in places:
            raise UsageError(f"the format of --format has no {asked!r}, which --client-field names")
        for role, others in _INSTEAD.items():
            for other in others:
                if role not in places and other in places:
                    places[role] = places[other]
        return {role: place for role, place in places.items() if role not in {"server", "proxy"}}

    def _refuse_incomplete(self, kind: str) -> None:
        missing = [role for role in NEEDED if role not in self._places]
        if not {"request", "target", "path"} & self._places.keys():
            missing.append("request")
        if missing:
            raise UsageError(
                f"the format of --format {kind}:'...' lacks {', '.join(missing)}: a page view needs"
                " client, time, request and status"
            )


def _nginx(description: str) -> Iterator[tuple[str, str]]:
    """Give the parts of a format: a text, and the variable behind it."""
    end = 0
    for found in _NGINX.finditer(description):
        yield description[end : found.start()], found[1] or found[2]
        end = found.end()
    yield description[end:], ""


def _apache(description: str) -> Iterator[tuple[str, str]]:
    description = description.replace('\\"', '"').replace("\\t", "\t")
    end, text = 0, ""
    for found in _APACHE.finditer(description):
        text += description[end : found.start()]
        end = found.end()
        letter = found[3]
        if letter == "%":
            text += "%"
            continue
        argument = found[2]
        if letter == "t" and argument is None:
            yield text + "[", "t"
            text = "]"
            continue
        yield text, letter if argument is None else f"{{{argument}}}{letter}"
        text = ""
    yield text + description[end:], ""


def _apache_role(name: str) -> str | None:
    if not name.startswith("{"):
        return APACHE_ROLES.get(name)
    argument, _, letter = name[1:].rpartition("}")
    if letter == "t":
        return _APACHE_TIME.get(argument)
    if letter == "i":
        return APACHE_HEADERS.get(argument.lower())
    return "proxy" if (letter, argument) == ("a", "c") else None


def _header(name: str) -> str:
    """Return the header of `http_x_real_ip` or `{X-Real-IP}i`, lower case with underscores."""
    bare = name.removeprefix("http_") if not name.startswith("{") else name[1:].partition("}")[0]
    return bare.lower().replace("-", "_")


def _pattern(kind: str, parts: list[tuple[str, str]]) -> re.Pattern[str]:
    """Return a pattern that takes each field up to the text behind it, once."""
    if len(parts) > MOST_FIELDS:
        raise UsageError(f"the format of --format {kind}:'...' has more than {MOST_FIELDS} fields")
    pattern = ""
    for (text, name), (behind, _) in zip(parts, [*parts[1:], ("", "")], strict=True):
        pattern += re.escape(text)
        if not name:
            continue
        if not behind:
            pattern += r"(.*+)" if name is parts[-2][1] else r"(\S*+)"
        elif behind[0] == '"':
            pattern += r'((?:[^"\\]++|\\.)*+)'
        else:
            first, rest = re.escape(behind[0]), re.escape(behind[1:])
            more = rf"|{first}(?!{rest})" if rest else ""
            pattern += rf"((?:[^{first}]++{more})*+)"
    return re.compile(pattern, re.DOTALL)
