"""Which user agents are programs and not people."""

import re
from functools import lru_cache

import crawleruseragents  # type: ignore[import-untyped]
import ua_parser

NOT_A_BROWSER = re.compile(
    r"""
    \A-?\Z                                   # nothing, or an access log's sign for it
    | \AMozilla/[\d.]++\s*+(\(compatible;?\))?\Z   # every browser goes on with its system
    | \+https?://                            # a page about the robot
    | \w@\w                                  # an address to complain to
    | \A(Java|Ruby|PHP|Dart|undici|PostmanRuntime|insomnia|HTTPie|curl|Wget|fetch|portscout)\b
    | feed\ ?parser|feed\ ?reader|\brss|rss\b|tt-rss|newsbeuter|newsboat|netnewswire
        |liferea|akregator|freshrss|miniflux|\bvienna/|\breeder/
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""What crawler-user-agents misses: HTTP libraries, feed readers, and agents without a browser."""


@lru_cache(maxsize=4096)
def is_bot(user_agent: str) -> bool:
    """Say whether a user agent belongs to a crawler, a library, a monitor or a feed reader."""
    return (
        NOT_A_BROWSER.search(user_agent.strip()) is not None
        or crawleruseragents.is_crawler(user_agent)
        or _is_spider(user_agent)
    )


def _is_spider(user_agent: str) -> bool:
    device = ua_parser.parse(user_agent).device
    return device is not None and device.family == "Spider"
