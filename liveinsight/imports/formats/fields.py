"""Parts of a log's line: text, times, requests, addresses. Pure, and linear in what they read."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

QUOTED = r'(?:[^"\\]++|\\.)*+'
"""What stands between quotes, with what the server has escaped."""
CLF_TIME = r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(?:\.\d{1,9})?\ [+-]\d{4}"
ISO_TIME = r"\d{4}-\d\d-\d\d[T\ ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:\ ?(?:Z|[+-]\d\d:?\d\d))?"
BRACKETED_TIME = re.compile(rf"\[(?P<time>{CLF_TIME}|{ISO_TIME})\]", re.ASCII | re.VERBOSE)
TOKEN = re.compile(rf'"(?P<quoted>{QUOTED})"|\[(?P<bracketed>[^\]]*+)\]|(?P<bare>\S++)', re.DOTALL)
"""One field of a line: in quotes, in brackets, or a word."""

MAX_REMEMBERED = 100
"""Characters of an address or a time that is remembered."""

_REQUEST = re.compile(
    r"(?P<method>[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32})\ (?P<target>\S.*?)(?P<protocol>\ HTTP/\d\S*)?",
    re.ASCII | re.VERBOSE | re.DOTALL,
)
_AUTHORITY = re.compile(r"https?://(?P<host>[^/?#]*)", re.IGNORECASE)
_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_CONTROLS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"v": b"\v", b"f": b"\f"}
_MONTH_NAMES = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES.split(), 1)}
_CLF_LENGTH, _MINUTE_LENGTH, _ZONE_AT = 26, 17, 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH_TIME = re.compile(r"\d{9,10}(?:\.\d{1,9})?|\d{12,13}", re.ASCII)
_MILLISECONDS_FROM = 10**11

HOST_NAME = re.compile(r"(?=.{1,253}\Z)[\w-]++(?:\.[\w-]++)*+\.?+", re.ASCII)
VIRTUAL_HOST = re.compile(r"(?P<host>[\w-]++(?:\.[\w-]++)*+\.?|\[[0-9A-Fa-f:.]++\])(?::\d{1,5})?")
NOTHING = frozenset({"", "-", "_", "unknown"})


class Request(NamedTuple):
    """The request line, taken apart. `host`: where the target names one."""

    method: str
    target: str
    host: str = ""


def decode_line(raw: bytes) -> str:
    """Return a line's text: UTF-8, or Latin-1 where it is not UTF-8. Never fails."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def unescape(quoted: str) -> str:
    """Undo what Apache and nginx escape: quotes, bytes as `xHH`, ends of lines."""
    if "\\" not in quoted:
        return quoted
    return decode_line(_ESCAPE.sub(_unescaped, quoted.encode(errors="surrogatepass")))


def field(quoted: str) -> str:
    """Return the text of a field; empty where the log has `-`."""
    return "" if quoted == "-" else unescape(quoted)


def tokens(line: str) -> Iterator[str]:
    """Give the fields of a line, without quotes and brackets."""
    for found in TOKEN.finditer(line):
        quoted, bracketed, bare = found.groups()
        yield quoted if quoted is not None else bracketed if bracketed is not None else bare


def parse_request(request: str) -> Request | None:
    """Return method and target; None for what is no HTTP request (`-`, TLS bytes, SIP)."""
    method, _, rest = request.partition(" ")
    target, _, protocol = rest.rpartition(" ")
    if (
        method == "GET"
        and target[:1] == "/"
        and protocol[:5] == "HTTP/"
        and protocol[5:6].isdigit()
    ):
        return Request(method, target)
    found = _REQUEST.fullmatch(request)
    if found is None or (found["protocol"] is None and found["method"] != "GET"):
        return None  # only HTTP/0.9 names no protocol, and it knows GET alone
    return target_of(found["method"], found["target"])


def target_of(method: str, target: str) -> Request:
    """Return a request with path and query of a target; `*` and `host:port` become a path."""
    absolute = _AUTHORITY.match(target)
    path = target[absolute.end() :] if absolute else target
    host = host_of(absolute["host"].rpartition("@")[2]) if absolute else ""
    return Request(method, path if path.startswith("/") else f"/{path}", host)


def host_of(text: str) -> str:
    """Return a virtual host in lower case and without its port; empty where it is none."""
    found = VIRTUAL_HOST.fullmatch(text)
    if found is None or text in NOTHING:
        return ""
    return found["host"].lower().strip("[]").removesuffix(".")


def parse_time(text: str) -> int | None:
    """Return epoch milliseconds; None for a time that does not exist.

    Args:
        text: `17/May/2015:10:05:03 +0000`, ISO 8601 (UTC where no zone is named), or seconds or
            milliseconds since 1970.
    """
    if len(text) == _CLF_LENGTH and text[2] == "/":
        minute = _minute(text[:_MINUTE_LENGTH], text[_ZONE_AT:])
        seconds = text[18:20]
        if minute is None or not (text[17] == ":" and seconds.isascii() and seconds.isdigit()):
            return None
        second = int(seconds)
        return None if second > 59 else minute + second * 1000  # noqa: PLR2004 - seconds
    return _other_time(text) if len(text) <= MAX_REMEMBERED else None


@lru_cache(maxsize=4096)
def _minute(text: str, zone: str) -> int | None:
    """Read `17/May/2015:10:05` and ` +0000`."""
    try:
        offset = timedelta(hours=int(zone[2:4]), minutes=int(zone[4:6]))
        local = datetime(
            int(text[7:11]),
            _MONTHS[text[3:6]],
            int(text[:2]),
            int(text[12:14]),
            int(text[15:17]),
            tzinfo=timezone(-offset if zone[1] == "-" else offset),
        )
        return (local - _EPOCH) // _MILLISECOND
    except (KeyError, ValueError, OverflowError):
        return None


@lru_cache(maxsize=1024)
def _other_time(text: str) -> int | None:
    if text[2:3] == "/":
        head, _, zone = text.rpartition(" ")
        whole, _, part = head.partition(".")
        at = parse_time(f"{whole} {zone}")
        return None if at is None or not part.isdigit() else at + int(f"{part:0<3}"[:3])
    if _EPOCH_TIME.fullmatch(text):
        number = float(text)
        return int(number if number > _MILLISECONDS_FROM else number * 1000 + 0.5)
    try:
        moment = datetime.fromisoformat(text.replace(",", ".").replace(" +", "+"))
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (aware - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        return None


def client_address(text: str) -> str:
    """Return the IP address in a field, in one form; empty where it holds none.

    A port is cut off. Of a chain, as X-Forwarded-For is one, the first address counts that is no
    private one, or else the first.
    """
    return _address(text) if len(text) <= MAX_REMEMBERED else _address.__wrapped__(text[:4096])


@lru_cache(maxsize=16384)
def _address(text: str) -> str:
    if "," not in text:
        return one_address(text)
    found = list(filter(None, map(one_address, text.split(","))))
    return next((one for one in found if not is_private(one)), found[0] if found else "")


def one_address(text: str) -> str:
    """Return an IP address without port, brackets, quotes, zone; mapped IPv4 as IPv4."""
    text = text.strip(' \t"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)


def is_private(address: str) -> bool:
    """Say whether an address is of a network of its own: a proxy's, a container's."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return found.is_private and not _is_documentation(address)


def _is_documentation(address: str) -> bool:
    return address.startswith(("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:"))


def client_name(text: str) -> str:
    """Return the client's name as a server looked it up, in lower case; empty where it is none."""
    name = text.lower()
    return name if name not in NOTHING and HOST_NAME.fullmatch(name) else ""


def _unescaped(escape: re.Match[bytes]) -> bytes:
    if escape[1] is not None:
        return bytes.fromhex(escape[1].decode())
    return _CONTROLS.get(escape[2], escape[2])
