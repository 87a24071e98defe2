"""The heart of the collector: a hit becomes an event, or a refusal with its reason. Pure.

A failure that nobody foresaw is a refusal too, of the one hit that it befell, and is logged.
"""

import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from pydantic import ValidationError

from ingest.hits.bots import program
from ingest.hits.client import Client, language_tag
from ingest.hits.host import readable_host
from ingest.hits.page import Page, parse_page
from ingest.hits.referrer import attribute
from ingest.hits.rejection import Rejected, RejectionCode
from ingest.hits.shortening import shorter
from ingest.hits.user_agent import describe
from runtime.sites.shields import NO_SHIELDS, Shields
from runtime.sites.site import Site
from schemas.event import Context, Event, EventType, Revenue
from schemas.hit import EPOCH_MS_FLOOR, Hit
from schemas.text import clean

LOGGER = logging.getLogger(__name__)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
MAX_AHEAD_MS = 10 * 60 * 1000
"""How far a client's clock may be ahead."""
ALLOWED_LATENESS_MS = 24 * 3600 * 1000

FIELDS_OF_FIELDS = {"props", "revenue"}
MAX_FIELD_NAME = 100


@dataclass(frozen=True, slots=True)
class Policy:
    """What a collector does differently for a source of hits that is not a browser."""

    keep_query: bool = False
    """Whether pages keep their whole query string."""
    count_bots: bool = False
    """Whether bots count as visitors."""
    lateness_ms: int = ALLOWED_LATENESS_MS
    """How long ago an event may have happened."""


Arguments = ParamSpec("Arguments")
Verdict = TypeVar("Verdict")


def _of_one_hit(judge: Callable[Arguments, Verdict]) -> Callable[Arguments, Verdict | Rejected]:
    """Make any failure a refusal: the other hits of a request are not to be lost with this one."""

    @wraps(judge)
    def guarded(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Verdict | Rejected:
        try:
            return judge(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - MemoryError and RecursionError too
            (frame,) = traceback.extract_tb(error.__traceback__, limit=-1)
            # Neither the message nor the stack: they may quote the hit.
            LOGGER.error(  # noqa: TRY400
                "a hit could not be judged: %s in %s", type(error).__name__, frame.name
            )
            return Rejected(RejectionCode.UNJUDGED, "")

    return guarded


@_of_one_hit
def parse_hit(raw: object) -> Hit | Rejected:
    """Check the shape and size of one hit, with texts shortened that may be."""
    try:
        return Hit.model_validate(raw)
    except ValidationError as error:
        mended = shorter(raw, error)
        if mended is None:
            return first_rejection(error)
    try:
        return Hit.model_validate(mended)
    except ValidationError as error:
        return first_rejection(error)


def first_rejection(error: ValidationError) -> Rejected:
    """Name the first thing that is wrong with untrusted input, without quoting it."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    location = [str(part) for part in first["loc"]]
    if not location:
        return Rejected(RejectionCode.NOT_AN_OBJECT, "")
    # What follows are names of union branches, which mean nothing to the sender.
    depth = 2 if location[0] in FIELDS_OF_FIELDS else 1
    field = clean(".".join(location[:depth]))[:MAX_FIELD_NAME]
    is_missing = first["type"] == "missing"
    return Rejected(
        RejectionCode.MISSING_FIELD if is_missing else RejectionCode.INVALID_FIELD, field
    )


def screen(client: Client, policy: Policy, shields: Shields = NO_SHIELDS) -> Rejected | None:
    """Refuse a client whose hits are not a person's, or whom the site drops.

    A program is refused under the kind that it is.
    """
    kind = None if policy.count_bots else program(client.user_agent)
    if kind is not None:
        return Rejected(RejectionCode.BOT, "user_agent", kind.value)
    if shields is NO_SHIELDS:
        return None
    if client.country in shields.countries:
        return Rejected(RejectionCode.BLOCKED_COUNTRY, "country")
    if shields.drops_address(client.address):
        return Rejected(RejectionCode.BLOCKED_ADDRESS, "address")
    if shields.drops_agent(client.user_agent):
        return Rejected(RejectionCode.BLOCKED_AGENT, "user_agent")
    return None


@_of_one_hit
def collect(
    hit: Hit,
    *,
    site: Site,
    session_id: str,
    policy: Policy,
    new_id: Callable[[], UUID],
    now: datetime,
) -> Event | Rejected:
    """Turn a hit into an event of the site, or say why not.

    Args:
        hit: one hit of a client that `screen` has let through.
        site: the site that the request may write to.
        session_id: the session that the request proved to be its own.
        policy: what differs for the source of the hit.
        new_id: makes the id of a hit that brings none.
        now: when the request arrived.
    """
    page = parse_page(hit.page_url, keep_query=policy.keep_query, rules=site.pages)
    if isinstance(page, Rejected):
        return page
    occurred_at = occurred_at_of(hit, epoch_ms(now), policy.lateness_ms)
    if isinstance(occurred_at, Rejected):
        return occurred_at
    return _misfit(hit, page, site, session_id) or _event(
        hit,
        page=page,
        site=site,
        session_id=session_id,
        occurred_at=occurred_at,
        event_id=_id_bytes(hit.event_id) if hit.event_id else new_id().bytes,
    )


def context(client: Client, language: str, touch_points: int = 0) -> Context:
    """Say what the events of one request share.

    Args:
        client: who sent the request.
        language: the browser's language, which wins over the client's header; or empty.
        touch_points: how many fingers its screen feels.
    """
    agent = describe(client.user_agent, touch_points)
    return Context(
        browser=agent.browser,
        os=agent.os,
        device=agent.device.value,
        language=language_tag(language) or client.language,
        country=client.country,
        region=client.region,
        city=client.city,
    )


def place_of(page: Page, referrer: str, site: Site, title: str = "") -> Sequence[str]:
    """Return an event's fields from `hostname` to `utm_content`, in their order."""
    if site.scrub_paths:
        page = page.impersonal()
    origin = attribute(referrer, page, site)
    return (
        readable_host(page.hostname),
        page.path,
        page.query,
        clean(title),
        origin.referrer,
        origin.source,
        origin.channel.value,
        origin.utm_source,
        origin.utm_medium,
        origin.utm_campaign,
        origin.utm_term,
        origin.utm_content,
    )


def partition_key(site_id: str, partition: int) -> str:
    """Return the stream's partition key: what keeps the records of a partition in order."""
    return f"{site_id}/{partition}"


def epoch_ms(moment: datetime) -> int:
    """Return a moment as epoch milliseconds."""
    return (moment - EPOCH) // MILLISECOND


def occurred_at_of(hit: Hit, now_ms: int, lateness_ms: int) -> int | Rejected:
    """Return when a hit happened, if that is neither too long ago nor too far ahead."""
    field = "timestamp" if hit.age_ms is None else "age_ms"
    if hit.age_ms is not None:
        occurred_at = now_ms - max(0, int(hit.age_ms))
    elif hit.timestamp is not None:
        is_ms = hit.timestamp >= EPOCH_MS_FLOOR
        occurred_at = int(hit.timestamp if is_ms else hit.timestamp * 1000)
    else:
        occurred_at = now_ms
    if now_ms - lateness_ms <= occurred_at <= now_ms + MAX_AHEAD_MS:
        return occurred_at
    return Rejected(RejectionCode.TIMESTAMP_OUT_OF_RANGE, field)


def _misfit(hit: Hit, page: Page, site: Site, session_id: str) -> Rejected | None:
    if hit.site_id not in {None, site.site_id}:
        return Rejected(RejectionCode.SITE_MISMATCH, "site_id")
    if not site.accepts_host(page.hostname):
        return Rejected(RejectionCode.HOST_NOT_ALLOWED, "page_url")
    if hit.session_id not in {None, session_id}:
        return Rejected(RejectionCode.SESSION_MISMATCH, "session_id")
    if hit.event_type == "custom" and hit.name is None:
        return Rejected(RejectionCode.MISSING_FIELD, "name")
    return None if site.shields is NO_SHIELDS else _blocked(page, site.shields)


def _blocked(page: Page, shields: Shields) -> Rejected | None:
    if shields.drops_host(page.hostname):
        return Rejected(RejectionCode.BLOCKED_HOST, "page_url")
    if shields.drops_page(page.path):
        return Rejected(RejectionCode.BLOCKED_PAGE, "page_url")
    return None


def _event(
    hit: Hit, *, page: Page, site: Site, session_id: str, occurred_at: int, event_id: bytes
) -> Event:
    revenue = hit.revenue
    in_order: list[Any] = [
        event_id,
        EventType(hit.event_type),
        occurred_at,
        session_id,
        *place_of(page, hit.referrer or "", site, hit.title or ""),
        clean(hit.name or "") if hit.event_type == "custom" else "",
        {clean(key): _prop(value) for key, value in (hit.props or {}).items()},
        Revenue(format(revenue.amount, "f"), revenue.currency) if revenue else None,
        hit.engaged_ms,
        hit.scroll_depth,
        hit.screen_width,
    ]
    return Event(*in_order)


def _id_bytes(uuid: str) -> bytes:
    """Return the bytes of a UUID that is written as the model asks."""
    return bytes.fromhex(uuid.replace("-", ""))


def _prop(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else clean(str(value))


__all__ = [
    "Policy",
    "Rejected",
    "RejectionCode",
    "collect",
    "context",
    "epoch_ms",
    "first_rejection",
    "place_of",
    "parse_hit",
    "partition_key",
    "screen",
]
