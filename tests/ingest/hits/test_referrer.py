import pytest

from ingest.hits.channel import Channel
from ingest.hits.page import Page, parse_page
from ingest.hits.referrer import Attribution, attribute
from runtime.sites.site import Site

SITE = Site(site_id="shop.example", allowed_hosts=("pay.example",))


def attributed(referrer: str = "", query: str = "") -> Attribution:
    page = parse_page(f"https://www.shop.example/?{query}", keep_query=False)
    assert isinstance(page, Page)
    return attribute(referrer, page, SITE)


def test_a_visit_from_nowhere_is_direct() -> None:
    direct = Attribution("", "", Channel.DIRECT, "", "", "", "", "")
    assert attributed() == direct


@pytest.mark.parametrize(
    "referrer",
    [
        "https://shop.example/cart",
        "https://www.shop.example/",
        "https://blog.shop.example/",
        "https://pay.example/done",
        "about:blank",
        "not a url",
        "http://[broken",
    ],
)
def test_own_pages_and_nonsense_are_no_referrer(referrer: str) -> None:
    assert attributed(referrer) == attributed()


@pytest.mark.parametrize(
    ("referrer", "source", "channel"),
    [
        ("https://www.google.com/", "Google", Channel.ORGANIC_SEARCH),
        ("https://google.co.uk/search?q=secret", "Google", Channel.ORGANIC_SEARCH),
        ("https://www.google.com.au/", "Google", Channel.ORGANIC_SEARCH),
        (
            "android-app://com.google.android.googlequicksearchbox/",
            "Google",
            Channel.ORGANIC_SEARCH,
        ),
        ("https://www.bing.com/", "Bing", Channel.ORGANIC_SEARCH),
        ("https://duckduckgo.com/", "DuckDuckGo", Channel.ORGANIC_SEARCH),
        ("https://yandex.ru/", "Yandex", Channel.ORGANIC_SEARCH),
        ("https://www.ecosia.org/", "Ecosia", Channel.ORGANIC_SEARCH),
        ("https://mail.google.com/", "Gmail", Channel.EMAIL),
        ("https://docs.google.com/", "Google Docs", Channel.REFERRAL),
        ("https://t.co/abc", "X", Channel.ORGANIC_SOCIAL),
        ("https://m.facebook.com/", "Facebook", Channel.ORGANIC_SOCIAL),
        ("https://news.ycombinator.com/item?id=1", "Hacker News", Channel.ORGANIC_SOCIAL),
        ("https://www.youtube.com/", "YouTube", Channel.ORGANIC_VIDEO),
        ("https://chatgpt.com/", "ChatGPT", Channel.AI_ASSISTANTS),
        ("https://gemini.google.com/", "Gemini", Channel.AI_ASSISTANTS),
        ("https://www.amazon.de/", "Amazon", Channel.ORGANIC_SHOPPING),
        ("https://de.wikipedia.org/wiki/X", "Wikipedia", Channel.REFERRAL),
        ("https://github.com/a/b", "GitHub", Channel.REFERRAL),
        ("https://www.unknown.example/post", "unknown.example", Channel.REFERRAL),
        ("https://notgoogle.com/", "notgoogle.com", Channel.REFERRAL),
        ("https://google.com.evil.example/", "google.com.evil.example", Channel.REFERRAL),
    ],
)
def test_a_referrer_gives_source_and_channel(referrer: str, source: str, channel: Channel) -> None:
    found = attributed(referrer)
    assert (found.source, found.channel) == (source, channel)


def test_a_referrer_is_kept_without_its_query_and_userinfo() -> None:
    found = attributed("https://me:pw@Forum.example:444/thread/7/?sid=secret#post")
    assert found.referrer == "forum.example/thread/7"


@pytest.mark.parametrize(
    ("query", "source", "channel"),
    [
        ("utm_source=google&utm_medium=CPC", "Google", Channel.PAID_SEARCH),
        ("utm_source=fb&utm_medium=paid_social", "Facebook", Channel.PAID_SOCIAL),
        ("utm_source=youtube&utm_medium=cpc", "YouTube", Channel.PAID_VIDEO),
        ("utm_source=x&utm_medium=cpm", "X", Channel.PAID_SOCIAL),
        ("utm_source=adnet&utm_medium=cpm", "adnet", Channel.DISPLAY),
        ("utm_source=adnet&utm_medium=banner", "adnet", Channel.DISPLAY),
        ("utm_source=adnet&utm_medium=ppc", "adnet", Channel.PAID_OTHER),
        ("utm_source=Newsletter&utm_medium=Email", "newsletter", Channel.EMAIL),
        ("utm_source=partner&utm_medium=affiliate", "partner", Channel.AFFILIATES),
        ("utm_source=podcast&utm_medium=audio", "podcast", Channel.AUDIO),
        ("utm_source=app&utm_medium=web-push", "app", Channel.MOBILE_PUSH),
        ("utm_source=sms", "sms", Channel.SMS),
        ("utm_source=ads&utm_medium=cpc&utm_campaign=Shop-now", "ads", Channel.PAID_SHOPPING),
        ("utm_source=a&utm_medium=b&utm_campaign=cross-network", "a", Channel.CROSS_NETWORK),
        ("utm_source=a&utm_medium=workshop", "a", Channel.UNASSIGNED),
        ("utm_medium=email", "", Channel.EMAIL),
        ("ref=producthunt.com", "Product Hunt", Channel.ORGANIC_SOCIAL),
        ("ref=some-blog", "some-blog", Channel.REFERRAL),
        ("source=some-blog", "some-blog", Channel.REFERRAL),
        ("utm_source=first&ref=second&source=third", "first", Channel.REFERRAL),
    ],
)
def test_parameters_give_source_and_channel(query: str, source: str, channel: Channel) -> None:
    found = attributed(query=query)
    assert (found.source, found.channel) == (source, channel)


def test_parameters_win_over_the_referrer() -> None:
    found = attributed("https://www.google.com/", "utm_source=Spring+Mailing&utm_medium=email")
    assert found.referrer == "www.google.com"
    assert (found.source, found.channel) == ("spring mailing", Channel.EMAIL)


def test_an_ad_networks_click_id_makes_a_search_paid() -> None:
    assert attributed("https://www.google.com/", "gclid=abc").channel is Channel.PAID_SEARCH


def test_campaign_values_keep_their_case_and_sources_do_not() -> None:
    found = attributed(query="utm_source=A&utm_medium=B&utm_campaign=C&utm_term=D&utm_content=E")
    assert found.utm_campaign == "C"
    assert (found.utm_source, found.utm_medium) == ("a", "B")
    assert (found.utm_term, found.utm_content) == ("D", "E")
