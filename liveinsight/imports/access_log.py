"""Access logs of Apache and nginx: a line in common or combined format, and what it says. Pure.

    203.0.113.7 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 512 "referrer" "user agent"

https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats
https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import parse_qsl

from ingest.hits.bots import is_bot

MAX_LINE_LENGTH = 256 * 1024
"""Apache's longest request line and header fields (8,190 bytes each) stay below it even with every
byte escaped as `\\xHH`. https://httpd.apache.org/docs/2.4/mod/core.html#limitrequestline"""


class Reason(StrEnum):
    """Why a line is not counted; the first that applies, in this order."""

    MALFORMED = "malformed"  # neither format, an impossible time, or no HTTP request in it
    TIME = "time"  # before there were websites, or ahead of now by more than a day
    METHOD = "method"  # not GET
    ERROR_STATUS = "error_status"  # neither 2xx nor 304: errors, and redirects
    STATIC_FILE = "static_file"  # belongs to a page, is downloaded, or is read by machines
    CRAWLER = "crawler"  # the user agent is a program
    INVALID = "invalid"  # refused by the collector: a URL over 2,000 characters, say


@dataclass(frozen=True, slots=True)
class LogLine:
    """One request as the server logged it, escapes undone. Empty string: the log has `-`."""

    address: str
    at: datetime  # UTC, to the second
    method: str
    target: str  # path and query; begins with `/`
    status: int
    referrer: str = ""
    user_agent: str | None = None  # None: common format, which has no such field


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that cannot be read, and the part of it that is wrong."""

    part: str


_QUOTED = r'(?:[^"\\]++|\\.)*+'
_LINE = re.compile(
    r"(?:[\w.-]+:\d{1,5}\ )?"  # Apache's vhost_combined puts the virtual host first
    r"(?P<address>\S+)\ \S+\ .*?\ "  # the user's name may hold spaces
    r"\[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d\ [+-]\d{4})\]\ "
    rf'"(?P<request>{_QUOTED})"\ (?P<status>\d{{3}})\ (?:\d+|-)'
    rf'(?:\ "(?P<referrer>{_QUOTED})"\ "(?P<agent>{_QUOTED})(?:"(?:\ .*)?)?)?',
    re.ASCII | re.VERBOSE,
)
_REQUEST = re.compile(
    r"(?P<method>[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32})\ (?P<target>\S.*?)(?P<protocol>\ HTTP/\d\S*)?",
    re.ASCII | re.VERBOSE | re.DOTALL,
)
_AUTHORITY = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_CONTROLS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"v": b"\v", b"f": b"\f"}
_MONTH_NAMES = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES.split(), 1)}


def decode_line(raw: bytes) -> str:
    """Return a line's text: UTF-8, or Latin-1 where it is not UTF-8. Never fails."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def parse_line(line: str) -> LogLine | Malformed:
    """Read one line, given without its line ending.

    Fields after the user agent are passed over, and so is a virtual host before the address. The
    closing quote of the user agent may be missing where the line ends with it: servers cut lines
    that are too long, and the request itself is whole.
    """
    if len(line) > MAX_LINE_LENGTH:
        return Malformed("length")
    found = _LINE.fullmatch(line)
    if found is None:
        return Malformed("line")
    at = _parse_time(found["time"])
    if at is None:
        return Malformed("time")
    request = _parse_request(_unescape(found["request"]))
    if request is None:
        return Malformed("request")
    agent = found["agent"]
    return LogLine(
        address=found["address"],
        at=at,
        method=request[0],
        target=request[1],
        status=int(found["status"]),
        referrer=_field(found["referrer"] or ""),
        user_agent=None if agent is None else _field(agent),
    )


def classify(line: LogLine) -> Reason | None:
    """Say why a line is not a page view by a person; None where it is one.

    A page view is a GET answered with 2xx or with 304: the browser showed its own copy. A redirect
    is none, because the page that it leads to has a line of its own. Static files are told by
    their extension (STATIC_EXTENSIONS) or name (MACHINE_PATHS), feeds also by a query such as
    `?feed=rss2`. HTML, plain text, source code and whatever has no extension are pages. A log in
    common format names no user agents, so none of its lines is a crawler's.
    """
    if line.method != "GET":
        return Reason.METHOD
    if not (
        HTTPStatus.OK <= line.status < HTTPStatus.MULTIPLE_CHOICES
        or line.status == HTTPStatus.NOT_MODIFIED
    ):
        return Reason.ERROR_STATUS
    if is_static(line.target):
        return Reason.STATIC_FILE
    if line.user_agent is not None and is_bot(line.user_agent):
        return Reason.CRAWLER
    return None


_PARTS_OF_PAGES = """
css js mjs cjs map json webmanifest wasm xml xsl xslt dtd class swf
png jpg jpeg jpe gif webp avif bmp ico cur svg svgz tif tiff heic jxl psd woff woff2 ttf otf eot
mp3 m4a aac ogg oga opus wav flac mid mp4 m4v webm ogv avi mov mkv mpg mpeg wmv flv m3u8 ts vtt srt
"""
_DOWNLOADS = """
zip gz tgz bz2 tbz2 xz txz zst 7z rar tar jar war deb rpm apk dmg pkg msi exe bin iso img gem whl
egg crx xpi pyc pcap torrent csv
pdf ps eps doc docx xls xlsx ppt pptx odt ods odp rtf epub mobi
"""
_FEEDS = "rss atom rdf"

STATIC_EXTENSIONS = frozenset(f"{_PARTS_OF_PAGES} {_DOWNLOADS} {_FEEDS}".split())
"""Extensions of files that are no pages, in lower case."""

MACHINE_PATHS = frozenset(
    {"/robots.txt", "/ads.txt", "/app-ads.txt", "/humans.txt", "/security.txt", "/llms.txt"}
)
"""Paths that programs ask for by convention."""

_FEED_PATHS = ("/feed", "/feeds", "/rss", "/rss2", "/atom")
_FEED_VALUES = frozenset({"rss", "rss2", "rss20", "rss10", "atom", "rdf"})


@lru_cache(maxsize=16384)
def is_static(target: str) -> bool:
    """Say whether a target names a file or a feed rather than a page."""
    path, _, query = target.partition("?")
    path = path.partition("#")[0].rstrip("/").lower()
    name = path.rpartition("/")[2]
    _, dot, extension = name.rpartition(".")
    if dot and extension in STATIC_EXTENSIONS:
        return True
    if path in MACHINE_PATHS or path.startswith("/.well-known/") or path.endswith(_FEED_PATHS):
        return True
    return "=" in query and any(value.lower() in _FEED_VALUES for _, value in parse_qsl(query))


def _field(quoted: str) -> str:
    return "" if quoted == "-" else _unescape(quoted)


def _unescape(quoted: str) -> str:
    if "\\" not in quoted:
        return quoted
    return decode_line(_ESCAPE.sub(_unescaped, quoted.encode()))


def _unescaped(escape: re.Match[bytes]) -> bytes:
    if escape[1] is not None:
        return bytes.fromhex(escape[1].decode())
    return _CONTROLS.get(escape[2], escape[2])


def _parse_request(request: str) -> tuple[str, str] | None:
    """Return method and target; None for what is no HTTP request (`-`, TLS bytes, SIP)."""
    found = _REQUEST.fullmatch(request)
    if found is None or (found["protocol"] is None and found["method"] != "GET"):
        return None  # only HTTP/0.9 names no protocol, and it knows GET alone
    return found["method"], _origin_form(found["target"])


def _origin_form(target: str) -> str:
    """Return path and query of a target in any form; `*` and `host:port` become a path."""
    absolute = _AUTHORITY.match(target)
    path = target[absolute.end() :] if absolute else target
    return path if path.startswith("/") else f"/{path}"


@lru_cache(maxsize=1024)
def _parse_time(text: str) -> datetime | None:
    """Read `17/May/2015:10:05:03 +0000`; None for a time that does not exist."""
    try:
        offset = timedelta(hours=int(text[22:24]), minutes=int(text[24:26]))
        local = datetime(
            int(text[7:11]),
            _MONTHS[text[3:6]],
            int(text[:2]),
            int(text[12:14]),
            int(text[15:17]),
            int(text[18:20]),
            tzinfo=timezone(-offset if text[21] == "-" else offset),
        )
        return local.astimezone(UTC)
    except (KeyError, ValueError, OverflowError):
        return None
