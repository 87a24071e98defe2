"""Which user agents are programs and not people, and of what kind they are.

Three sources, in this order: what no program is that a list takes for one (PEOPLE); forms of our
own (FORMS), which know probes and whatever says of itself that it is a program; and the patterns of
crawler-user-agents with their tags. Compiled into one automaton, a list of 1,500 patterns takes
2 microseconds a user agent; one after the other they take 400.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ua_parser_rs import UserAgentExtractor


class Program(StrEnum):
    """Kinds of programs. The values are part of the ledger's reasons."""

    PROBE = "probe"
    """Asks whether a server lives: a load balancer, a monitor."""
    LIBRARY = "library"
    """A library or tool with which somebody wrote a program."""
    FEED_READER = "feed_reader"
    PREVIEW = "preview"
    """Makes the preview of a link that somebody sends."""
    AI_CRAWLER = "ai_crawler"
    """Reads for a language model."""
    SCANNER = "scanner"
    """Looks for holes."""
    CRAWLER = "crawler"
    """Any other: search engines, archives, whatever has no name."""


TAGS = {
    "monitoring": Program.PROBE,
    "http-library": Program.LIBRARY,
    "browser-automation": Program.LIBRARY,
    "feed-reader": Program.FEED_READER,
    "social-preview": Program.PREVIEW,
    "ai-crawler": Program.AI_CRAWLER,
    "scanner": Program.SCANNER,
}
"""The tags of crawler-user-agents that make a kind; others make a crawler."""

PEOPLE = re.compile(
    r"Blackboard/|HTC[ _]Butterfly|Opera Mini/[\d.]*008/|Sogou(?:M|Mobile|Search)\w*"
    r"|; CUBOT|Butterfly Build/"
)
"""Phones and browsers whose names patterns of the list find."""

ANDROID_DEVICE = re.compile(r"\(Linux;[^()]*Android[^()]*(?:\([^()]*\)[^()]*)?\)")
"""Names the phone, which may be called CUBOT, M bot 60 or Spider."""

FORMS: Sequence[tuple[Program, str]] = (
    (
        Program.PROBE,
        (
            r"ELB-HealthChecker|kube-probe|GoogleHC|Route ?53[- ]Health|Consul Health"
            r"|Edge Health Probe|Load Balancer Agent|Uptime|Envoy/HC|\bhealth[ _-]?check"
            r"|HealthChecker|\bHAProxy\b|Varnish|blackbox|Prometheus/|\bcheck_http|Nagios"
            r"|Icinga|Zabbix|Pingdom|StatusCake|Site24x7|Datadog|NewRelicPinger"
            r"|Dynatrace(?:Synthetic)?|synthetic|monitor(?:ing|\b|/)|\bpinger\b|AlwaysOn"
            r"|Application ?Insights|App Gateway|AppGw|Catchpoint|PRTG|Gatus|Monit/"
            r"|Better ?Stack|Checkly|GTmetrix|Lighthouse|Page ?Speed|WebPageTest|Freshping"
            r"|HetrixTools|\bprobe\b|PTST[ /]|Neustar WPM|iplabel|Hyperspin|montastic|Ruxit"
            r"|NodePing|Panopta|SolarWinds|ThousandEyes|Traefik|Uptrends"
            r"|Cloudflare-Traffic-Manager|Cloudflare-Healthchecks|Fly-?HealthCheck"
        ),
    ),
    (
        Program.SCANNER,
        (
            r"zgrab|Nmap|masscan|Nuclei|sqlmap|Nikto|\bWPScan|l9explore|l9tcpid|Expanse,"
            r"|CensysInspect|Shodan|InternetMeasurement|NetSystemsResearch|Acunetix|Nessus"
            r"|OpenVAS|Qualys|dirbuster|gobuster|feroxbuster|\bffuf|wfuzz|Hello,? World"
            r"|\bscan\b|scanner\b|fuzz faster|ZmEu|Morfeus|Netcraft|muhstik|Mozi\b"
            r"|ProjectDiscovery|Detectify|Burp(?:Suite| ?Collaborator)?\b"
        ),
    ),
    (
        Program.AI_CRAWLER,
        (
            r"GPTBot|ChatGPT-User|OAI-SearchBot|ClaudeBot|Claude-(?:Web|User|SearchBot)"
            r"|anthropic-ai|PerplexityBot|Perplexity-User|CCBot|Google-Extended|Bytespider"
            r"|Amazonbot|Meta-External|FacebookBot|cohere-|Diffbot|AI2Bot|Applebot-Extended"
            r"|MistralAI|DuckAssistBot|YouBot|Timpibot|ImagesiftBot|Omgili|PanguBot"
            r"|DeepSeekBot|Kangaroo Bot|img2dataset|Firecrawl|GoogleAgent"
            r"|Google-CloudVertexBot|Google-NotebookLM|NovaAct|\bOperator/|Devin/|QuillBot"
        ),
    ),
    (
        Program.PREVIEW,
        (
            r"facebookexternalhit|facebookcatalog|Facebot|Twitterbot|Slackbot|Slack-ImgProxy"
            r"|Discordbot|TelegramBot|WhatsApp/|LinkedInBot|SkypeUriPreview|Skype|vkShare"
            r"|Pinterest(?:bot|/0)|redditbot|Embedly|Iframely|Google-PageRenderer"
            r"|Snap URL Preview|kakaotalk-scrap|Line-poker|Viber(?:/|\z)|Mastodon/|Bluesky"
            r"|Cardyb|SummalyBot|Synapse\b|Matrix|\bpreview|link_?thumb|LinkPreview"
            r"|opengraph|oEmbed|unfurl|bitlybot|Misskey/|Pleroma|Friendica|Akkoma|Lemmy"
            r"|Tumblr/|Yeti/|Daumoa-?feedfetcher|Teams(?:Preview)?Bot|XING-content"
        ),
    ),
    (
        Program.FEED_READER,
        (
            r"feed ?parser|feed ?reader|feed ?fetcher|feed ?burner|\bfeed|\brss|rss\b|tt-rss"
            r"|newsbeuter|newsboat|netnewswire|liferea|akregator|freshrss|miniflux|\bvienna/"
            r"|\breeder/|Feedly|Feedbin|Inoreader|NewsBlur|Bloglines|NewsGator|podcast"
            r"|SimplePie|MagpieRSS|\batom\b|\bOPML"
        ),
    ),
    (
        Program.LIBRARY,
        (
            r""
            r"\A(?:Java|Ruby|PHP|Dart|undici|insomnia|HTTPie|fetch|portscout|Deno|Bun|node|got)\b"
            r"|\bcurl\b|\bWget\b|python|Go-http-client|okhttp|libwww|lwp[-:]"
            r"|Apache-HttpClient|\bAHC/|axios|node-fetch|HttpClient|HTTP_Request|Guzzle"
            r"|Faraday|\breqwest|Postman|aiohttp|httpx|urllib|WinHTTP|PowerShell|Jakarta"
            r"|Mechanize|Typhoeus|Symfony|Zend_Http|Buzz/|hackney|\bktor|restsharp|unirest"
            r"|superagent|needle/|hyper/|ureq|isahc|scrapy|colly|puppeteer|playwright"
            r"|selenium|HeadlessChrome|Headless|PhantomJS|SlimerJS|\bCypress|Electron-fetch"
            r"|libcurl|http[_-]?lib|PycURL|perl|\bAPI\b[- ]?client|CFNetwork/[^ ]* Darwin"
            r"|\bDalvik/[^)]*\)\z|wkhtmlto|webkit2png|Zombie\.js|kubectl|DownloadManager"
            r"|Http ?Client|Web Services Client|\bSiege/|docker/|pnpm/|Gradle/|URL/Emacs"
            r"|WebDAV|asynchttp|\bhttp-?kit|Embarcadero|Indy Library|Snoopy|WebZIP|HTTrack"
            r"|Teleport"
        ),
    ),
    (
        Program.CRAWLER,
        (
            r""
            r"(?:bot|crawler|spider|robot|slurp|scraper|archiver|indexer|harvest(?:er)?|extractor)s?\b"
            r"|crawl|spider|bot[/_@;:.]|\A\w*bot|\bbot|\bfetch|checker|validator"
            r"|link[- ]?check|scrap[ei]|archiv|\+https?:|[\w.-]@[\w-]+\.[a-z]{2}|\bAgent\z"
            r"|Microsoft Office|screenshot|site-?shot"
            r"|\b(?:Word|Excel|PowerPoint|Outlook-Express|Outlook)/[0-9]|Google favicon"
            r"|-Google\b|Google Search Console|Google-|imgsizer|Webthumb|mShots|DebugBear"
            r"|SnapSearch|Akamai_Site|\(Criteo|DTS Agent"
        ),
    ),
)
"""What programs call themselves, by kind. The last one is any that says that it is one."""

BROWSER = re.compile(
    r"\A(?:Mozilla/|Opera/|Links\b|Lynx/|ELinks|w3m/|NetSurf/|Dillo/|UCWEB|\W*Mozilla)"
    r"|Nokia|SonyEricsson|BlackBerry|SAMSUNG|\bLG[-/E]|Motorola|\bMOT-|Opera Mini|UCBrowser|MIDP"
    r"|Browser|Firefox|Chrome/|Safari|Gecko|WebKit|Android|iPhone|iPad|Windows NT|Linux|Darwin"
    r"|\b(?:ZTE|HUAWEI|HTC|Alcatel|SIE|SEC|SHARP|KDDI|DoCoMo|J-PHONE|Vodafone|SoftBank|Sagem|Philips"
    r"|Panasonic|NEC|Haier|Lenovo|Micromax|Spice|Karbonn|BenQ|Palm|Bada|Obigo|NetFront|Maemo)",
    re.IGNORECASE,
)
"""What a browser has somewhere. What has none of it is a program, whatever it is called."""

NOT_A_BROWSER = re.compile(
    r"""
    \A\W*\Z                                            # nothing, or a log's sign for it
    | \AMozilla/[\d.]++\s*+(?:\(compatible;?\))?\Z      # every browser goes on with its system
    | \A(?!.*(?:MSIE|Trident|Windows|Macintosh|X11)).*?(?:https?://|www\.\w|\(compatible;)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
"""What says nothing of a system, and where it lives, or with what it is compatible."""
OLD_PHONE = re.compile(
    r"\(compatible;?\s*+(?:MS.?IE|Konqueror|ABrowse|iCab|WebTV|OmniWeb|NetFront)", re.IGNORECASE
)


def is_bot(user_agent: str) -> bool:
    """Say whether a user agent belongs to a program."""
    return program(user_agent) is not None


@lru_cache(maxsize=8192)
def program(user_agent: str) -> Program | None:
    """Return what kind of program a user agent belongs to; None: a browser's."""
    text = user_agent.strip()
    said = _forms().extract(ANDROID_DEVICE.sub("", text, count=1))
    if said is not None:
        return Program(said.family)
    listed = _list().extract(text)
    if listed is not None and not PEOPLE.search(text):
        return Program(listed.family)
    if NOT_A_BROWSER.search(text) and not OLD_PHONE.search(text):
        return Program.CRAWLER
    return None if BROWSER.search(text) else Program.LIBRARY


@cache
def _forms() -> "UserAgentExtractor":
    from ua_parser_rs import UserAgentExtractor  # noqa: PLC0415 - functions that judge nothing

    return UserAgentExtractor(
        (f"(?i){form}", kind.value, None, None, None, None) for kind, form in FORMS
    )


@cache
def _list() -> "UserAgentExtractor":
    """Compile the list; it takes 70 ms, once."""
    from crawleruseragents import (  # type: ignore[import-untyped]  # noqa: PLC0415 - 500 KB
        CRAWLER_USER_AGENTS_DATA,
    )
    from ua_parser_rs import UserAgentExtractor  # noqa: PLC0415

    def kind(tags: Sequence[str]) -> Program:
        return next((TAGS[tag] for tag in tags if tag in TAGS), Program.CRAWLER)

    return UserAgentExtractor(
        (one["pattern"], kind(one.get("tags", ())).value, None, None, None, None)
        for one in CRAWLER_USER_AGENTS_DATA
    )
