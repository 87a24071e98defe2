"""What simulated visitors are made of. Every list gives weights first; they need not add up to 1.

User agents have the form that browsers have sent since they reduced theirs (Chrome 110, Firefox
120, Safari 18), in their releases of autumn 2025. Shares follow what StatCounter reports, roughly.
"""

from dataclasses import dataclass
from typing import NamedTuple

_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
_CHROME_MOBILE = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Mobile Safari/537.36"
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_LINUX = "Mozilla/5.0 (X11; Linux x86_64)"
_CHROMEOS = "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0)"
_ANDROID = "Mozilla/5.0 (Linux; Android 10; K)"
_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS {} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
)
_IPAD = "Mozilla/5.0 (iPad; CPU OS {} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{} Safari/605.1.15"

DESKTOP_WIDTHS = (1920, 1920, 1920, 1536, 1440, 1366, 2560, 1280)
PHONE_WIDTHS = (390, 390, 393, 412, 412, 360, 430, 375)
TABLET_WIDTHS = (768, 810, 820, 1024, 800)


class BrowserKind(NamedTuple):
    """One browser on one system."""

    weight: float
    user_agent: str
    screen_widths: tuple[int, ...]


BROWSERS = (
    BrowserKind(15.0, f"{_WINDOWS} {_CHROME.format(142)}", DESKTOP_WIDTHS),
    BrowserKind(7.0, f"{_WINDOWS} {_CHROME.format(141)}", DESKTOP_WIDTHS),
    BrowserKind(1.2, f"{_WINDOWS} {_CHROME.format(140)}", DESKTOP_WIDTHS),
    BrowserKind(0.6, f"{_WINDOWS} {_CHROME.format(138)}", DESKTOP_WIDTHS),
    BrowserKind(0.8, f"{_WINDOWS} {_CHROME.format(109)}", DESKTOP_WIDTHS),  # the last for Windows 7
    BrowserKind(5.0, f"{_MAC} {_CHROME.format(142)}", DESKTOP_WIDTHS),
    BrowserKind(1.8, f"{_MAC} {_CHROME.format(141)}", DESKTOP_WIDTHS),
    BrowserKind(1.4, f"{_LINUX} {_CHROME.format(142)}", DESKTOP_WIDTHS),
    BrowserKind(0.5, f"{_LINUX} {_CHROME.format(141)}", DESKTOP_WIDTHS),
    BrowserKind(0.9, f"{_CHROMEOS} {_CHROME.format(141)}", DESKTOP_WIDTHS),
    BrowserKind(4.2, f"{_WINDOWS} {_CHROME.format(142)} Edg/142.0.0.0", DESKTOP_WIDTHS),
    BrowserKind(1.6, f"{_WINDOWS} {_CHROME.format(141)} Edg/141.0.0.0", DESKTOP_WIDTHS),
    BrowserKind(0.4, f"{_MAC} {_CHROME.format(142)} Edg/142.0.0.0", DESKTOP_WIDTHS),
    BrowserKind(1.2, f"{_WINDOWS} {_CHROME.format(140)} OPR/124.0.0.0", DESKTOP_WIDTHS),
    BrowserKind(
        2.2,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
        DESKTOP_WIDTHS,
    ),
    BrowserKind(
        1.1,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
        DESKTOP_WIDTHS,
    ),
    BrowserKind(
        0.5,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
        DESKTOP_WIDTHS,
    ),
    BrowserKind(
        0.8,
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0",
        DESKTOP_WIDTHS,
    ),
    BrowserKind(
        1.1,
        "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        DESKTOP_WIDTHS,
    ),
    BrowserKind(
        0.5,
        "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
        DESKTOP_WIDTHS,
    ),
    BrowserKind(4.0, f"{_MAC} {_SAFARI.format('26.1')}", DESKTOP_WIDTHS),
    BrowserKind(1.7, f"{_MAC} {_SAFARI.format('18.6')}", DESKTOP_WIDTHS),
    BrowserKind(0.6, f"{_MAC} {_SAFARI.format('17.6')}", DESKTOP_WIDTHS),
    BrowserKind(16.0, f"{_ANDROID} {_CHROME_MOBILE.format(142)}", PHONE_WIDTHS),
    BrowserKind(5.0, f"{_ANDROID} {_CHROME_MOBILE.format(141)}", PHONE_WIDTHS),
    BrowserKind(1.0, f"{_ANDROID} {_CHROME_MOBILE.format(139)}", PHONE_WIDTHS),
    BrowserKind(1.1, f"{_ANDROID} {_CHROME.format(142)}", TABLET_WIDTHS),
    BrowserKind(
        2.0,
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
        "SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36",
        PHONE_WIDTHS,
    ),
    BrowserKind(
        0.7,
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
        "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
        PHONE_WIDTHS,
    ),
    BrowserKind(0.6, f"{_ANDROID} {_CHROME_MOBILE.format(141)} EdgA/141.0.0.0", PHONE_WIDTHS),
    BrowserKind(0.5, f"{_ANDROID} {_CHROME_MOBILE.format(140)} OPR/92.0.0.0", PHONE_WIDTHS),
    BrowserKind(
        0.6,
        "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0",
        PHONE_WIDTHS,
    ),
    BrowserKind(
        0.3,
        "Mozilla/5.0 (Android 14; Mobile; rv:144.0) Gecko/144.0 Firefox/144.0",
        PHONE_WIDTHS,
    ),
    BrowserKind(
        8.0, f"{_IPHONE.format('18_7')} Version/26.1 Mobile/15E148 Safari/604.1", PHONE_WIDTHS
    ),
    BrowserKind(
        4.5, f"{_IPHONE.format('18_6')} Version/18.6 Mobile/15E148 Safari/604.1", PHONE_WIDTHS
    ),
    BrowserKind(
        0.9, f"{_IPHONE.format('17_7')} Version/17.7 Mobile/15E148 Safari/604.1", PHONE_WIDTHS
    ),
    BrowserKind(
        1.0,
        f"{_IPHONE.format('18_7')} CriOS/142.0.7444.77 Mobile/15E148 Safari/604.1",
        PHONE_WIDTHS,
    ),
    BrowserKind(
        0.3, f"{_IPHONE.format('18_6')} FxiOS/144.0 Mobile/15E148 Safari/605.1.15", PHONE_WIDTHS
    ),
    BrowserKind(
        0.8, f"{_IPHONE.format('18_6')} GSA/390.0.818 Mobile/15E148 Safari/604.1", PHONE_WIDTHS
    ),
    BrowserKind(
        1.2, f"{_IPAD.format('18_6')} Version/18.6 Mobile/15E148 Safari/604.1", TABLET_WIDTHS
    ),
    BrowserKind(
        0.5, f"{_IPAD.format('17_7')} Version/17.7 Mobile/15E148 Safari/604.1", TABLET_WIDTHS
    ),
)


class Place(NamedTuple):
    """Where a visitor is, and the language spoken there."""

    weight: float
    country: str  # ISO 3166-1
    region: str  # the second part of an ISO 3166-2 code
    city: str
    language: str  # BCP 47


PLACES = (
    Place(4.6, "US", "CA", "San Francisco", "en-US"),
    Place(4.2, "US", "NY", "New York", "en-US"),
    Place(3.4, "US", "CA", "Los Angeles", "en-US"),
    Place(2.9, "US", "WA", "Seattle", "en-US"),
    Place(2.7, "US", "TX", "Austin", "en-US"),
    Place(2.4, "US", "IL", "Chicago", "en-US"),
    Place(2.0, "US", "MA", "Boston", "en-US"),
    Place(1.5, "US", "CO", "Denver", "en-US"),
    Place(6.2, "DE", "BE", "Berlin", "de-DE"),
    Place(3.6, "DE", "BY", "München", "de-DE"),
    Place(2.2, "DE", "HH", "Hamburg", "de-DE"),
    Place(5.8, "GB", "ENG", "London", "en-GB"),
    Place(1.6, "GB", "ENG", "Manchester", "en-GB"),
    Place(0.9, "GB", "SCT", "Edinburgh", "en-GB"),
    Place(4.4, "FR", "IDF", "Paris", "fr-FR"),
    Place(1.3, "FR", "ARA", "Lyon", "fr-FR"),
    Place(3.5, "NL", "NH", "Amsterdam", "nl-NL"),
    Place(4.9, "IN", "KA", "Bengaluru", "en-IN"),
    Place(2.6, "IN", "MH", "Mumbai", "en-IN"),
    Place(1.9, "IN", "DL", "Delhi", "hi-IN"),
    Place(2.8, "CA", "ON", "Toronto", "en-CA"),
    Place(1.2, "CA", "QC", "Montréal", "fr-CA"),
    Place(3.1, "BR", "SP", "São Paulo", "pt-BR"),
    Place(1.1, "BR", "RJ", "Rio de Janeiro", "pt-BR"),
    Place(2.7, "AU", "NSW", "Sydney", "en-AU"),
    Place(1.4, "AU", "VIC", "Melbourne", "en-AU"),
    Place(2.9, "JP", "13", "Tokyo", "ja-JP"),
    Place(1.0, "JP", "27", "Osaka", "ja-JP"),
    Place(2.1, "ES", "MD", "Madrid", "es-ES"),
    Place(1.2, "ES", "CT", "Barcelona", "ca-ES"),
    Place(1.9, "IT", "25", "Milan", "it-IT"),
    Place(2.0, "PL", "14", "Warsaw", "pl-PL"),
    Place(1.7, "SE", "AB", "Stockholm", "sv-SE"),
    Place(1.4, "CH", "ZH", "Zürich", "de-CH"),
    Place(1.2, "AT", "9", "Vienna", "de-AT"),
    Place(1.3, "SG", "", "Singapore", "en-SG"),
    Place(1.2, "KR", "11", "Seoul", "ko-KR"),
    Place(1.0, "MX", "CMX", "Mexico City", "es-MX"),
    Place(0.8, "AR", "C", "Buenos Aires", "es-AR"),
    Place(0.7, "ZA", "GP", "Johannesburg", "en-ZA"),
    Place(0.7, "NG", "LA", "Lagos", "en-NG"),
    Place(0.8, "UA", "30", "Kyiv", "uk-UA"),
)


class Goal(NamedTuple):
    """A custom event, and what its props may be."""

    name: str
    props: tuple[dict[str, str | int], ...]
    prices: tuple[str, ...] = ()
    """Revenue in EUR, one of these; empty: none."""


SIGNUP = Goal("signup", ({"plan": "free"}, {"plan": "free"}, {"plan": "team"}))
PURCHASE = Goal(
    "purchase",
    ({"plan": "team", "seats": 5}, {"plan": "team", "seats": 10}, {"plan": "business"}),
    ("49.00", "98.00", "290.00"),
)
DOWNLOAD = Goal(
    "download",
    ({"file": "tern-cli-linux.tar.gz"}, {"file": "tern-cli-macos.pkg"}, {"file": "handbook.pdf"}),
)
OUTBOUND = Goal(
    "outbound",
    (
        {"url": "https://github.com/example/tern"},
        {"url": "https://www.youtube.com/watch?v=tern"},
        {"url": "https://status.example.net/"},
    ),
)


class Page(NamedTuple):
    """One page of the demo site: a product called Tern, its documentation and its blog."""

    path: str
    title: str
    goal: Goal = OUTBOUND


PAGES = (
    Page("/", "Tern: ship small changes every day", SIGNUP),
    Page("/pricing", "Pricing", PURCHASE),
    Page("/docs/", "Documentation"),
    Page("/docs/getting-started", "Get started in five minutes", DOWNLOAD),
    Page("/blog/", "Blog"),
    Page("/features", "Features", SIGNUP),
    Page("/download", "Download", DOWNLOAD),
    Page("/blog/feature-flags-without-regret", "Feature flags without regret"),
    Page("/signup", "Create your account", SIGNUP),
    Page("/docs/installation", "Installation", DOWNLOAD),
    Page("/blog/small-batches", "Why small batches win"),
    Page("/docs/cli", "Command line"),
    Page("/changelog", "Changelog"),
    Page("/blog/rollbacks-in-ten-seconds", "Rollbacks in ten seconds"),
    Page("/docs/configuration", "Configuration"),
    Page("/docs/api/", "API reference"),
    Page("/customers", "Customers", SIGNUP),
    Page("/blog/postgres-migrations", "Postgres migrations that never lock"),
    Page("/docs/deploy/kubernetes", "Deploy to Kubernetes"),
    Page("/docs/deploy/aws", "Deploy to AWS"),
    Page("/integrations", "Integrations"),
    Page("/about", "About us"),
    Page("/blog/on-call-that-lets-you-sleep", "On-call that lets you sleep"),
    Page("/docs/troubleshooting", "Troubleshooting"),
    Page("/enterprise", "Tern for enterprises", PURCHASE),
    Page("/docs/api/authentication", "API: authentication"),
    Page("/docs/api/webhooks", "API: webhooks"),
    Page("/blog/trunk-based-development", "Trunk-based development, one year on"),
    Page("/docs/concepts", "Concepts"),
    Page("/careers", "Careers"),
    Page("/docs/faq", "Questions and answers"),
    Page("/blog/measuring-lead-time", "Measuring lead time honestly"),
    Page("/contact", "Contact"),
    Page("/docs/deploy/docker", "Deploy with Docker"),
    Page("/docs/upgrade", "Upgrade guide"),
    Page("/security", "Security"),
    Page("/blog/canary-releases", "Canary releases step by step"),
    Page("/docs/environments", "Environments"),
    Page("/docs/secrets", "Secrets"),
    Page("/customers/nordlicht", "How Nordlicht ships twenty times a day", SIGNUP),
    Page("/compare/alternatives", "Tern and the alternatives", SIGNUP),
    Page("/docs/permissions", "Permissions"),
    Page("/blog/tern-3", "Introducing Tern 3", DOWNLOAD),
    Page("/docs/api/errors", "API: errors"),
    Page("/docs/api/pagination", "API: pagination"),
    Page("/blog/flaky-tests", "The price of flaky tests"),
    Page("/customers/kestrel-bank", "Kestrel Bank: audits without tears", SIGNUP),
    Page("/docs/sso", "Single sign-on"),
    Page("/webinars", "Webinars", DOWNLOAD),
    Page("/blog/monorepo-or-not", "Monorepo or not?"),
    Page("/docs/limits", "Limits"),
    Page("/community", "Community"),
    Page("/docs/glossary", "Glossary"),
    Page("/blog/postmortem-march", "Postmortem: the outage of 12 March"),
    Page("/docs/backup", "Backup and restore"),
    Page("/partners", "Partners"),
    Page("/docs/terraform", "Terraform provider"),
    Page("/press", "Press", DOWNLOAD),
    Page("/legal/privacy", "Privacy"),
    Page("/legal/terms", "Terms of service"),
)
"""The most popular first: popularity falls with the rank (Zipf)."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """How visits begin."""

    weight: float
    referrer: str = ""
    query: str = ""
    landing: tuple[str, ...] = ()
    """Paths on which such visits begin; empty: any page, by popularity."""


_POSTS = tuple(page.path for page in PAGES if page.path.startswith("/blog/"))
_DOCS = tuple(page.path for page in PAGES if page.path.startswith("/docs/"))

ARRIVALS = (
    Arrival(22.0),
    Arrival(9.0, landing=("/",)),
    Arrival(26.0, "https://www.google.com/"),
    Arrival(4.0, "https://www.google.com/", landing=_DOCS),
    Arrival(3.4, "https://www.bing.com/"),
    Arrival(3.2, "https://duckduckgo.com/"),
    Arrival(0.8, "https://www.ecosia.org/"),
    Arrival(0.6, "https://search.yahoo.com/"),
    Arrival(1.6, "https://chatgpt.com/", landing=_DOCS),
    Arrival(0.7, "https://www.perplexity.ai/"),
    Arrival(3.8, "https://news.ycombinator.com/", landing=_POSTS),
    Arrival(2.9, "https://www.reddit.com/", landing=_POSTS),
    Arrival(2.6, "https://t.co/", landing=_POSTS),
    Arrival(2.2, "https://www.linkedin.com/"),
    Arrival(1.2, "https://www.youtube.com/"),
    Arrival(0.9, "https://mastodon.social/", landing=_POSTS),
    Arrival(3.9, "https://github.com/example/tern"),
    Arrival(1.5, "https://stackoverflow.com/questions/4711/deploy", landing=_DOCS),
    Arrival(1.1, "https://dev.to/sam/tools-we-use-3kd"),
    Arrival(0.7, "https://lobste.rs/", landing=_POSTS),
    Arrival(
        3.0,
        query="utm_source=newsletter&utm_medium=email&utm_campaign=tern-weekly",
        landing=_POSTS,
    ),
    Arrival(
        1.4,
        query="utm_source=newsletter&utm_medium=email&utm_campaign=tern-3&utm_content=button",
        landing=("/blog/tern-3",),
    ),
    Arrival(
        2.2,
        "https://www.google.com/",
        "utm_source=google&utm_medium=cpc&utm_campaign=brand&utm_term=tern",
        ("/", "/pricing"),
    ),
    Arrival(
        1.1,
        "https://www.linkedin.com/",
        "utm_source=linkedin&utm_medium=paid-social&utm_campaign=enterprise-q4",
        ("/enterprise",),
    ),
    Arrival(0.8, query="ref=producthunt", landing=("/",)),
)
