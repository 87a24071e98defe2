"""What a browser sends: untrusted, bounded, parsed once at the edge.

Sizes are the ingest contract's (docs/architecture.md). A hit with a field out of bounds is refused
with the field's name; it never takes the other hits of its request with it. A text that is too long
is shortened before (ingest/hits/judge.py), where the hit keeps its meaning.
"""

import re
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

TOKEN_PATH = "/api/csrf-token"  # noqa: S105 - a path
EVENTS_PATH = "/api/events"
PIXEL_PATH = "/api/pixel.gif"

MAX_BODY_BYTES = 64 * 1024
MAX_HITS = 50
MAX_PROPS = 30
MAX_URL = 2000
MAX_TITLE = 500
MAX_PROP = 1000
MAX_EVENT_NAME = 120
MAX_LANGUAGE = 35
MAX_VISITOR_ID = 200
MAX_USER_AGENT = 1000
SET_BACK_MS = 24 * 3600 * 1000
"""How far a clock may be set back between an event and its request: its age is then below 0."""

SessionId = Annotated[
    str, StringConstraints(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")
]
SiteId = Annotated[
    str, StringConstraints(min_length=1, max_length=253, pattern=r"^[a-z0-9][a-z0-9._-]*$")
]
Uuid = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
    ),
]
Url = Annotated[str, StringConstraints(min_length=1, max_length=MAX_URL)]
PropKey = Annotated[str, StringConstraints(min_length=1, max_length=64)]
PropInteger = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""JSON's integers have no end; a longer one is read as a float, or refused."""
PropValue = Annotated[str, StringConstraints(max_length=MAX_PROP)] | bool | PropInteger | float
EpochTime = Annotated[int, Field(ge=0, le=10**14)] | Annotated[float, Field(ge=0, le=10**14)]

AMOUNT_DIGITS = 18
DECIMAL_PLACES = 6
AMOUNT = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,6})?")
"""An amount as text: ASCII digits and a point, no exponent, no separators, no space."""


def _amount(given: object) -> object:
    """Refuse what Python reads as a number, and a person may not have meant: `1_000`, `٣`, true."""
    if isinstance(given, bool) or (isinstance(given, str) and not AMOUNT.fullmatch(given)):
        raise ValueError("no amount")
    return given


def _without_sign_of_zero(amount: Decimal) -> Decimal:
    return amount or Decimal(0)


EPOCH_MS_FLOOR = 10**11
"""A time at or above this is in milliseconds (1973), below it in seconds (to the year 5138)."""


class HitModel(BaseModel):
    """Strict and frozen; unknown fields are ignored, so that a newer tracker can talk to us."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)


class HitRevenue(HitModel):
    """Money that comes with a hit."""

    amount: Annotated[
        Decimal,
        Field(
            strict=False,
            max_digits=AMOUNT_DIGITS,
            decimal_places=DECIMAL_PLACES,
            allow_inf_nan=False,
        ),
        BeforeValidator(_amount),
        AfterValidator(_without_sign_of_zero),
    ]
    """Less than nothing: money that is paid back."""
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Hit(HitModel):
    """One event as the browser sent it."""

    event_type: Literal["page_view", "custom", "engagement"]
    page_url: Url
    event_id: Uuid | None = None
    session_id: SessionId | None = None
    site_id: SiteId | None = None
    timestamp: EpochTime | None = None
    age_ms: (
        Annotated[int, Field(ge=-SET_BACK_MS)] | Annotated[float, Field(ge=-SET_BACK_MS)] | None
    ) = None
    referrer: Annotated[str, StringConstraints(max_length=MAX_URL)] | None = None
    title: Annotated[str, StringConstraints(max_length=MAX_TITLE)] | None = None
    name: Annotated[str, StringConstraints(min_length=1, max_length=MAX_EVENT_NAME)] | None = None
    props: Annotated[dict[PropKey, PropValue], Field(max_length=MAX_PROPS)] | None = None
    revenue: HitRevenue | None = None
    engaged_ms: Annotated[int, Field(ge=0, le=24 * 3600 * 1000)] = 0
    scroll_depth: Annotated[int, Field(ge=0, le=100)] = 0
    screen_width: Annotated[int, Field(ge=0, le=100_000)] = 0
    touch_points: Annotated[int, Field(ge=0, le=1000)] = 0
    """How many fingers the screen feels. An iPad says it is a Mac; no Mac feels any."""
    language: Annotated[str, StringConstraints(max_length=MAX_LANGUAGE)] | None = None


class TokenRequest(HitModel):
    """The body of `POST /api/csrf-token`."""

    session_id: SessionId
    site_id: SiteId | None = None


class CollectRequest(HitModel):
    """The body of `POST /api/events`, in either of its two forms, with its hits still unparsed."""

    csrf_token: Annotated[str, StringConstraints(max_length=1024)] | None = None
    session_id: SessionId | None = None
    site_id: SiteId | None = None
    events: Annotated[list[object], Field(min_length=1, max_length=MAX_HITS)]
    visitor_id: (
        Annotated[str, StringConstraints(min_length=1, max_length=MAX_VISITOR_ID)] | None
    ) = None
    """This and the next two a program of the owner may say, which shows a write key."""
    user_agent: Annotated[str, StringConstraints(max_length=MAX_USER_AGENT)] | None = None
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
