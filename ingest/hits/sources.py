"""Well-known places that visitors come from: their names, hosts and kinds."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a place is, as far as channels are concerned."""

    SEARCH = "search"
    SOCIAL = "social"
    VIDEO = "video"
    SHOPPING = "shopping"
    AI = "ai"
    EMAIL = "email"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Source:
    """A place that visitors come from."""

    name: str
    kind: Kind


GOOGLE_SEARCH = re.compile(r"google\.(com?\.)?[a-z]{2,3}")
"""google.com, google.de, google.co.uk, google.com.au."""
AMAZON_SHOP = re.compile(r"amazon\.(com?\.)?[a-z]{2,3}")
EBAY_SHOP = re.compile(r"ebay\.(com?\.)?[a-z]{2,3}")
YANDEX_SEARCH = re.compile(r"yandex\.(com\.)?[a-z]{2,3}")

PATTERNS = (
    (GOOGLE_SEARCH, Source("Google", Kind.SEARCH)),
    (YANDEX_SEARCH, Source("Yandex", Kind.SEARCH)),
    (AMAZON_SHOP, Source("Amazon", Kind.SHOPPING)),
    (EBAY_SHOP, Source("eBay", Kind.SHOPPING)),
)

_TABLE = """
search    | Google        | google com.google.android.googlequicksearchbox
search    | Bing          | bing bing.com
search    | DuckDuckGo    | duckduckgo duckduckgo.com com.duckduckgo.mobile.android
search    | Yahoo         | yahoo yahoo.com yahoo.co.jp
search    | Baidu         | baidu baidu.com
search    | Yandex        | yandex ya.ru
search    | Ecosia        | ecosia ecosia.org
search    | Brave         | brave search.brave.com
search    | Startpage     | startpage startpage.com
search    | Qwant         | qwant qwant.com
search    | Kagi          | kagi kagi.com
search    | Naver         | naver naver.com
search    | Seznam        | seznam seznam.cz
search    | Sogou         | sogou sogou.com
search    | Ask           | ask ask.com
search    | AOL           | aol aol.com
search    | Swisscows     | swisscows swisscows.com
search    | Mojeek        | mojeek mojeek.com
search    | MetaGer       | metager metager.org metager.de
social    | Facebook      | facebook fb facebook.com fb.com fb.me com.facebook.katana
social    | Instagram     | instagram ig instagram.com com.instagram.android
social    | Threads       | threads threads.net threads.com
social    | X             | x twitter t.co x.com twitter.com com.twitter.android
social    | LinkedIn      | linkedin linkedin.com lnkd.in com.linkedin.android
social    | Reddit        | reddit reddit.com redd.it com.reddit.frontpage
social    | Pinterest     | pinterest pinterest.com pin.it com.pinterest
social    | TikTok        | tiktok tiktok.com
social    | Snapchat      | snapchat snapchat.com
social    | Tumblr        | tumblr tumblr.com
social    | Quora         | quora quora.com
social    | Mastodon      | mastodon mastodon.social mastodon.online fosstodon.org hachyderm.io
social    | Bluesky       | bluesky bsky.app go.bsky.app
social    | Hacker News   | hackernews hn news.ycombinator.com hckrnews.com hn.algolia.com
social    | Lobsters      | lobsters lobste.rs
social    | Stack Overflow | stackoverflow stackoverflow.com
social    | Stack Exchange | stackexchange.com superuser.com serverfault.com askubuntu.com
social    | Product Hunt  | producthunt producthunt.com
social    | DEV Community | dev.to
social    | Medium        | medium.com
social    | WhatsApp      | whatsapp whatsapp.com wa.me com.whatsapp
social    | Telegram      | telegram telegram.org telegram.me t.me org.telegram.messenger
social    | Discord       | discord discord.com discordapp.com
social    | VK            | vk vk.com
social    | Weibo         | weibo weibo.com
social    | Xing          | xing xing.com
social    | Slack         | slack slack.com com.slack
video     | YouTube       | youtube yt youtube.com youtu.be com.google.android.youtube
video     | Vimeo         | vimeo vimeo.com
video     | Twitch        | twitch twitch.tv
video     | Dailymotion   | dailymotion dailymotion.com
video     | Netflix       | netflix netflix.com
video     | Bilibili      | bilibili bilibili.com
shopping  | Etsy          | etsy etsy.com
shopping  | AliExpress    | aliexpress aliexpress.com
shopping  | Walmart       | walmart walmart.com
shopping  | Shopify       | shopify shopify.com shop.app
shopping  | Google Shopping | shopping.google.com
ai        | ChatGPT       | chatgpt chatgpt.com chat.openai.com openai
ai        | Perplexity    | perplexity perplexity.ai
ai        | Claude        | claude claude.ai
ai        | Gemini        | gemini gemini.google.com bard.google.com
ai        | Copilot       | copilot copilot.microsoft.com
ai        | DeepSeek      | deepseek chat.deepseek.com deepseek.com
ai        | Mistral       | mistral chat.mistral.ai
ai        | Grok          | grok grok.com
ai        | Meta AI       | meta.ai
ai        | You.com       | you.com
ai        | Phind         | phind phind.com
email     | Gmail         | gmail mail.google.com com.google.android.gm
email     | Outlook       | outlook outlook.com outlook.live.com outlook.office.com
email     | Yahoo Mail    | mail.yahoo.com
email     | Proton Mail   | mail.proton.me mail.protonmail.com
email     | GMX           | gmx.net gmx.de gmx.com
email     | Fastmail      | fastmail app.fastmail.com
other     | GitHub        | github github.com
other     | GitLab        | gitlab gitlab.com
other     | Wikipedia     | wikipedia wikipedia.org
other     | Google News   | news.google.com
other     | Google Docs   | docs.google.com
other     | Google Translate | translate.google.com
other     | Apple         | apple.com
other     | Microsoft     | microsoft.com
"""
"""Kind, name, and the hosts, Android apps and utm_source values that stand for it."""


def _read_table() -> dict[str, Source]:
    sources = {}
    for line in _TABLE.strip().splitlines():
        kind, name, keys = (cell.strip() for cell in line.split("|"))
        sources.update(dict.fromkeys(keys.split(), Source(name, Kind(kind))))
    return sources


SOURCES = _read_table()

MAX_LABELS = 8
"""How many of a host's labels, from its end, are looked up: twice as many as a known one has."""


def known_host(host: str) -> Source | None:
    """Return the source that a host, or a domain above it, belongs to.

    Args:
        host: lower case; a host name or the name of an Android app.
    """
    labels = host.split(".")[-MAX_LABELS:]
    # A domain has two labels at least: the bare names in the table stand for utm_source values.
    domains = (".".join(labels[start:]) for start in range(len(labels) - 1))
    return next(filter(None, map(_exactly, domains)), None)


def known_name(name: str) -> Source | None:
    """Return the source that a utm_source value means, be it a short name or a host."""
    return SOURCES.get(name.lower()) or known_host(name.lower())


def _exactly(domain: str) -> Source | None:
    by_pattern = (source for pattern, source in PATTERNS if pattern.fullmatch(domain))
    return SOURCES.get(domain) or next(by_pattern, None)
