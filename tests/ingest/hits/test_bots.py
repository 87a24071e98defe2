import pytest

from ingest.hits.bots import is_bot


@pytest.mark.parametrize(
    "user_agent",
    [
        "",
        "  ",
        "-",
        "curl/8.5.0",
        "python-requests/2.31.0",
        "Go-http-client/1.1",
        "Java/1.8.0_312",
        "PostmanRuntime/7.36.0",
        "UniversalFeedParser/4.2-pre-314-svn +http://feedparser.org/",
        "UniversalFeedParser/5.2.1",
        "Tiny Tiny RSS/1.11 (http://tt-rss.org/)",
        "NetNewsWire (RSS Reader; https://netnewswire.com/)",
        "Mozilla/5.0 (compatible; Windows-RSS-Platform/2.0)",
        "Mozilla/5.0",
        "Mozilla/4.0 (compatible;)",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; new-thing/0.1; +https://new.example/about)",
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "HeadlessChrome/120.0.0.0 Safari/537.36"
        ),
    ],
)
def test_a_program_is_a_bot(user_agent: str) -> None:
    assert is_bot(user_agent)


@pytest.mark.parametrize(
    "user_agent",
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/120.0.0.0 Safari/537.36"
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; CUBOT NOTE S) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/100.0.0.0 Mobile Safari/537.36"
        ),
        "Opera/9.80 (Windows NT 6.1) Presto/2.12.388 Version/12.18",
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) GSA/287.0.575326989 Mobile/15E148 Safari/604.1"
        ),
        "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)",
    ],
)
def test_a_browser_is_not_a_bot(user_agent: str) -> None:
    assert not is_bot(user_agent)
