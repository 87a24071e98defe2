"""The channel that a visit came through.

The rules of GA4's default channel group, in its order
(https://support.google.com/analytics/answer/9756891), with three differences: mail programs on the
web are Email, AI assistants have a channel of their own, and a source without a medium is a
referral, because most links with `?ref=` name no medium.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from ingest.hits.sources import Kind


class Channel(StrEnum):
    """Where visits come from, in kinds."""

    DIRECT = "Direct"
    CROSS_NETWORK = "Cross-network"
    PAID_SHOPPING = "Paid Shopping"
    PAID_SEARCH = "Paid Search"
    PAID_SOCIAL = "Paid Social"
    PAID_VIDEO = "Paid Video"
    DISPLAY = "Display"
    PAID_OTHER = "Paid Other"
    AI_ASSISTANTS = "AI Assistants"
    ORGANIC_SHOPPING = "Organic Shopping"
    ORGANIC_SOCIAL = "Organic Social"
    ORGANIC_VIDEO = "Organic Video"
    ORGANIC_SEARCH = "Organic Search"
    EMAIL = "Email"
    AFFILIATES = "Affiliates"
    REFERRAL = "Referral"
    AUDIO = "Audio"
    SMS = "SMS"
    MOBILE_PUSH = "Mobile Push Notifications"
    UNASSIGNED = "Unassigned"


@dataclass(frozen=True, slots=True)
class Signal:
    """What the rules look at. All lower case; empty: not set."""

    source: str
    kind: Kind
    medium: str
    campaign: str

    @property
    def is_paid(self) -> bool:
        """Whether the medium says that somebody paid for the click."""
        return PAID.search(self.medium) is not None

    @property
    def is_shopping(self) -> bool:
        """Whether a shop, or a campaign that names one, sent the visitor."""
        return self.kind is Kind.SHOPPING or SHOPPING.search(self.campaign) is not None


PAID = re.compile(r"cp|\Appc\Z|\Aretargeting\Z|\Apaid")
SHOPPING = re.compile(r"(?:\A|[^a-df-z])shop|shopping")
DISPLAY = {"display", "banner", "expandable", "interstitial", "cpm"}
SOCIAL = {"social", "social-network", "social-media", "sm", "social network", "social media"}
EMAIL = {"email", "e-mail", "e_mail", "e mail"}

RULES: tuple[tuple[Channel, Callable[[Signal], bool]], ...] = (
    (Channel.DIRECT, lambda s: not (s.source or s.medium or s.campaign)),
    (Channel.CROSS_NETWORK, lambda s: "cross-network" in s.campaign),
    (Channel.PAID_SHOPPING, lambda s: s.is_paid and s.is_shopping),
    (Channel.PAID_SEARCH, lambda s: s.is_paid and s.kind is Kind.SEARCH),
    (Channel.PAID_SOCIAL, lambda s: s.is_paid and s.kind is Kind.SOCIAL),
    (Channel.PAID_VIDEO, lambda s: s.is_paid and s.kind is Kind.VIDEO),
    (Channel.DISPLAY, lambda s: s.medium in DISPLAY),
    (Channel.PAID_OTHER, lambda s: s.is_paid),
    (Channel.AI_ASSISTANTS, lambda s: s.kind is Kind.AI),
    (Channel.ORGANIC_SHOPPING, lambda s: s.is_shopping),
    (Channel.ORGANIC_SOCIAL, lambda s: s.kind is Kind.SOCIAL or s.medium in SOCIAL),
    (Channel.ORGANIC_VIDEO, lambda s: s.kind is Kind.VIDEO or "video" in s.medium),
    (Channel.ORGANIC_SEARCH, lambda s: s.kind is Kind.SEARCH or s.medium == "organic"),
    (Channel.EMAIL, lambda s: s.kind is Kind.EMAIL or bool({s.source, s.medium} & EMAIL)),
    (Channel.AFFILIATES, lambda s: s.medium in {"affiliate", "affiliates"}),
    (Channel.AUDIO, lambda s: s.medium == "audio"),
    (Channel.SMS, lambda s: "sms" in {s.source, s.medium}),
    (Channel.MOBILE_PUSH, lambda s: s.medium.endswith("push") or s.source == "firebase"),
    (Channel.MOBILE_PUSH, lambda s: "mobile" in s.medium or "notification" in s.medium),
    (Channel.REFERRAL, lambda s: s.medium in {"", "referral", "app", "link"} and bool(s.source)),
)
"""The first that holds names the channel."""


def channel(signal: Signal) -> Channel:
    """Return the channel of an event by what its page address and referrer say."""
    return next((name for name, holds in RULES if holds(signal)), Channel.UNASSIGNED)
