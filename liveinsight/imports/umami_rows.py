"""Rows of Umami's table `website_event` as events. Pure.

The columns are those of its exports and of its schema:
https://github.com/umami-software/umami/blob/master/db/clickhouse/schema.sql. Umami knows a visitor
by `session_id`, for a month; here a visitor is one for a day, so an id is made of both. What it
says of a browser, a system and a device is taken over under the names that they have here.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from aggregates.window import local_hour
from ingest.hits.clicks import CLICK_IDS
from ingest.hits.client import COUNTRY, language_tag
from ingest.hits.judge import epoch_ms, place_of
from ingest.hits.page import Page, parse_page
from ingest.hits.user_agent import Device
from ingest.hits.visitor import own_visitor_id, partition_of
from liveinsight.exports.event_row import ExportedEvent, RowError
from processors.record import UNFOLDABLE
from query.columns import TEXTS
from runtime.sites.site import Site
from schemas.event import Context, Event, EventType
from schemas.hit import MAX_EVENT_NAME, MAX_TITLE, MAX_URL
from schemas.text import shortened

Cells = Mapping[str, str]
"""A row by the names of its columns; what is not set is empty."""

REQUIRED = ("website_id", "session_id", "event_id", "created_at", "url_path", "event_type")
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
PLACE = TEXTS[TEXTS.index("hostname") : TEXTS.index("name")]
EVENT_TYPES = {"1": EventType.PAGE_VIEW, "2": EventType.CUSTOM}
"""The others are clicks on short links, pixels and measured times of pages."""
DEVICES = {
    "desktop": Device.DESKTOP,
    "laptop": Device.DESKTOP,
    "mobile": Device.MOBILE,
    "tablet": Device.TABLET,
}
BROWSERS = {
    "android": "Android",
    "bb10": "BlackBerry WebKit",
    "chrome": "Chrome",
    "chromium-webview": "Chrome",
    "crios": "Chrome",
    "edge": "Edge",
    "edge-chromium": "Edge",
    "edge-ios": "Edge",
    "facebook": "Facebook",
    "firefox": "Firefox",
    "fxios": "Firefox",
    "ie": "Internet Explorer",
    "instagram": "Instagram",
    "ios": "Safari",
    "ios-webview": "iOS WebView",
    "kakaotalk": "KakaoTalk",
    "miui": "MIUI Browser",
    "opera": "Opera",
    "opera-mini": "Opera Mini",
    "safari": "Safari",
    "samsung": "Samsung Internet",
    "silk": "Amazon Silk",
    "yandexbrowser": "Yandex Browser",
}
SYSTEMS = {
    "Android OS": "Android",
    "Chrome OS": "ChromeOS",
    "Mac OS": "macOS",
    "Open BSD": "OpenBSD",
    "Windows Mobile": "Windows Phone",
}
WINDOWS = "Windows"
UNKNOWN_BROWSER = "browser"
MAX_SCREEN, MAX_SESSION = 100_000, 64
"""As hits may have (schemas/hit.py)."""


class LeftOut(StrEnum):
    """Why a row is no event."""

    OTHER_WEBSITE = "other website"
    LATER = "later than --until"
    KIND = "no page view or event"
    ADDRESS = "no address"
    NAME = "event without a name"


def event_of_row(cells: Cells, site: Site) -> ExportedEvent | LeftOut:
    """Return the event that a row stands for, or why it is none.

    Raises:
        RowError: the row is damaged.
    """
    event_type = EVENT_TYPES.get(cells["event_type"])
    if event_type is None:
        return LeftOut.KIND
    name = cells.get("event_name", "") if event_type is EventType.CUSTOM else ""
    if event_type is EventType.CUSTOM and not name:
        return LeftOut.NAME
    page = _page_of(cells, site)
    if page is None:
        return LeftOut.ADDRESS
    at = _moment(cells["created_at"])
    day = _day(at, site)
    visitor = own_visitor_id(site.import_salt(day), site.site_id, _present(cells, "session_id"))
    title = shortened(cells.get("page_title", ""), MAX_TITLE)
    place = place_of(page, _referrer_of(cells), site, title)
    texts: dict[str, Any] = dict(zip(PLACE, place, strict=True))
    event = Event(
        event_id=_id_of(cells["event_id"]),
        event_type=event_type,
        occurred_at=at,
        session_id=(cells.get("visit_id") or cells["session_id"])[:MAX_SESSION],
        name=shortened(name, MAX_EVENT_NAME),
        screen_width=_width(cells.get("screen", "")),
        **texts,
    )
    return ExportedEvent(
        day=day,
        site_id=site.site_id,
        visitor_id=visitor,
        received_at=at,
        context=_context(*(cells.get(column, "") for column in CONTEXT_COLUMNS)),
        event=event,
        arrived_at=at,
        partition=partition_of(site, day, visitor),
        shard="",
        sequence_number=0,
    )


def _page_of(cells: Cells, site: Site) -> Page | None:
    host = cells.get("hostname") or site.site_id
    path, query = cells["url_path"], cells.get("url_query", "").removeprefix("?")
    known = {pair.partition("=")[0] for pair in query.split("&")}
    lacking = {
        column: cells[column]
        for column in (*UTM, *CLICK_IDS)
        if cells.get(column) and column not in known
    }
    whole = "&".join(filter(None, (query, urlencode(lacking))))
    url = f"https://{host}/{path.removeprefix('/')}"
    page = parse_page(f"{url}?{whole}" if whole else url, keep_query=False, rules=site.pages)
    return page if isinstance(page, Page) and len(page.path) <= MAX_URL else None


def _referrer_of(cells: Cells) -> str:
    host = cells.get("referrer_domain", "")
    if not host:
        return ""
    path = cells.get("referrer_path", "").removeprefix("/")
    return f"https://{host}/{path}"[:MAX_URL]


def _moment(text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise RowError(f"created_at is {text!a}") from error
    return epoch_ms(found if found.tzinfo else found.replace(tzinfo=UTC))


def _day(at: int, site: Site) -> date:
    try:
        return local_hour(at, site.timezone).day
    except UNFOLDABLE as error:
        raise RowError(f"created_at cannot be counted: {error}") from error


def _id_of(text: str) -> bytes:
    try:
        return UUID(text).bytes
    except ValueError as error:
        raise RowError(f"event_id is {text!a}") from error


def _present(cells: Cells, column: str) -> str:
    if not cells[column]:
        raise RowError(f"{column} is missing")
    return cells[column]


def _width(screen: str) -> int:
    width = screen.partition("x")[0]
    return min(int(width), MAX_SCREEN) if width.isascii() and width.isdigit() else 0


CONTEXT_COLUMNS = ("browser", "os", "device", "language", "country", "region", "city")


@lru_cache(maxsize=4096)
def _context(  # noqa: PLR0913, PLR0917 - one for each column
    browser: str, system: str, device: str, language: str, country: str, region: str, city: str
) -> Context:
    """Return what rows say of a browser: many say the same."""
    known = BROWSERS.get(browser, "" if browser == UNKNOWN_BROWSER else browser)
    version_of_windows = system.startswith(WINDOWS) and system not in SYSTEMS
    return Context(
        browser=known,
        os=WINDOWS if version_of_windows else SYSTEMS.get(system, system),
        device=DEVICES.get(device, Device.UNSET).value,
        language=language_tag(language),
        country=country if COUNTRY.fullmatch(country) else "",
        region=region.removeprefix(f"{country}-"),
        city=city,
    )
