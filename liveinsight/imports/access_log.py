"""One request as a web server logged it, and whether it is a page view by a person. Pure."""

import re
from enum import StrEnum
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import parse_qsl

from ingest.hits.bots import Program, program

MAX_LINE_LENGTH = 256 * 1024
"""Apache's longest request line and header fields (8,190 bytes each) stay below it even with every
byte escaped as `\\xHH`. https://httpd.apache.org/docs/2.4/mod/core.html#limitrequestline"""


class Reason(StrEnum):
    """Why a line is not counted; the first that applies, in this order."""

    HEADER = "header"  # of the log itself: what a line holds, no request
    MALFORMED = "malformed"  # no request of this format, an impossible time, or no client address
    TIME = "time"  # before there were websites, or ahead of now by more than a day
    OTHER_HOST = "other_host"  # of a virtual host that is not the site's
    METHOD = "method"  # not GET
    ERROR_STATUS = "error_status"  # neither 2xx nor 304: errors, and redirects
    STATIC_FILE = "static_file"  # belongs to a page, is downloaded, or is read by machines
    PROBE = "probe"  # asks whether the server lives
    LIBRARY = "library"  # a program that somebody wrote
    FEED_READER = "feed_reader"
    PREVIEW = "preview"  # makes the preview of a link that somebody sends
    AI_CRAWLER = "ai_crawler"  # reads for a language model
    SCANNER = "scanner"  # looks for holes
    CRAWLER = "crawler"  # any other program
    PREFETCH = "prefetch"  # asked for by a page in case that somebody goes there
    API_CALL = "api_call"  # asked for by a script in a page, and shown by none
    INVALID = "invalid"  # refused by the collector: a path over 2,000 characters, say


class LogLine(NamedTuple):
    """One request, escapes undone. Empty string: the log has `-`, or nothing about it."""

    address: str
    """Of the client: an IP address, or the name that the server looked up."""
    at: int
    """Epoch milliseconds."""
    method: str
    target: str
    """Path and query; begins with `/`."""
    status: int
    referrer: str = ""
    user_agent: str | None = None
    """None: the log has no such field."""
    host: str = ""
    """The virtual host, in lower case, without a port."""
    start: int = 0
    """Where the line begins, behind what something else has put before it."""


class Malformed(NamedTuple):
    """A line that cannot be read, and the part of it that is wrong."""

    part: str


REASONS = {
    Program.PROBE: Reason.PROBE,
    Program.LIBRARY: Reason.LIBRARY,
    Program.FEED_READER: Reason.FEED_READER,
    Program.PREVIEW: Reason.PREVIEW,
    Program.AI_CRAWLER: Reason.AI_CRAWLER,
    Program.SCANNER: Reason.SCANNER,
    Program.CRAWLER: Reason.CRAWLER,
}


def classify(line: LogLine) -> Reason | None:
    """Say why a line is not a page view by a person; None where it is one.

    A page view is a GET answered with 2xx or with 304: the browser showed its own copy. A redirect
    is none, because the page that it leads to has a line of its own. Static files are told by
    their extension (STATIC_EXTENSIONS) or name (MACHINE_PATHS), feeds also by a query such as
    `?feed=rss2`. HTML, plain text, source code and whatever has no extension are pages. A log
    without user agents tells nobody's programs from people.
    """
    if line.method != "GET":
        return Reason.METHOD
    if not (
        HTTPStatus.OK <= line.status < HTTPStatus.MULTIPLE_CHOICES
        or line.status == HTTPStatus.NOT_MODIFIED
    ):
        return Reason.ERROR_STATUS
    reason = target_reason(line.target)
    if reason is not Reason.STATIC_FILE and line.user_agent is not None:
        kind = program(line.user_agent)
        return reason if kind is None else REASONS[kind]
    return reason


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

PREFETCH = re.compile(
    r"[?&](?:_rsc=|__data\b|_data=|x-sveltekit-invalidated=)|\A/(?:_next/data|_nuxt/builds)/"
    r"|/(?:__data\.json|_payload\.json|page-data/)",
    re.IGNORECASE,
)
"""What frameworks fetch for links in sight. https://nextjs.org/docs/app/guides/prefetching,
https://kit.svelte.dev/docs/load, https://nuxt.com/docs/api/components/nuxt-link"""

API_CALL = re.compile(
    r"\A/(?:api|graphql|trpc|rpc|rest|ajax|wp-json|cdn-cgi|_ipx|_vercel|_astro|__nextjs_[a-z_]+"
    r"|socket\.io|sockjs|signalr|hubs|engine\.io|actuator|jsonrpc)/"
    r"|\A/(?:graphql|xmlrpc\.php|wp-cron\.php|_next/image|_image|ws|websocket|cable|livereload"
    r"|metrics|healthz?|readyz?|livez|health-?check|ping|server-status|nginx_status)/?(?:\?|\Z)"
    r"|/(?:admin-ajax\.php|admin-post\.php|load-(?:scripts|styles)\.php|wp-json/|socket\.io/)"
    r"|[?&](?:wc-ajax|rest_route|doing_wp_cron)=",
    re.IGNORECASE,
)
"""What scripts, proxies and monitors ask for, and no person reads."""


@lru_cache(maxsize=16384)
def _remembered(target: str) -> Reason | None:
    if is_static(target):
        return Reason.PREFETCH if PREFETCH.search(target) else Reason.STATIC_FILE
    if PREFETCH.search(target):
        return Reason.PREFETCH
    return Reason.API_CALL if API_CALL.search(target) else None


MAX_REMEMBERED = 300


def target_reason(target: str) -> Reason | None:
    """Say why a target is no page, or None."""
    return _remembered(target) if len(target) <= MAX_REMEMBERED else _remembered.__wrapped__(target)


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
