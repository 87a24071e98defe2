import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.hits.host import readable_host
from ingest.hits.page import Page, parse_page
from ingest.hits.path import readable_path
from ingest.hits.rejection import Rejected, RejectionCode
from runtime.errors import UsageError
from runtime.sites.pages import PageRules

INVALID = Rejected(RejectionCode.INVALID_URL, "page_url")


def test_a_page_is_its_host_and_its_path() -> None:
    assert parse_page("https://Shop.Example:8443/a/b%20c", keep_query=False) == Page(
        "shop.example", "/a/b c", ""
    )


def test_an_empty_path_is_the_root() -> None:
    assert parse_page("https://shop.example?x=1", keep_query=False) == Page("shop.example", "/", "")


def test_only_campaign_parameters_of_a_query_are_kept() -> None:
    url = "https://shop.example/?email=a@b.c&utm_source=News&ref=x%20y&UTM_Medium=e&source=&id=7"
    page = parse_page(url, keep_query=False)
    assert page == Page("shop.example", "/", "utm_source=News&ref=x%20y&UTM_Medium=e&source=")


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("%72%65%66=a", "%72%65%66=a"),
        ("%75%74%6d%5fsource=a", "%75%74%6d%5fsource=a"),
        ("ref%3Da=b", ""),
        ("%ref=a", ""),
        ("+ref=a", ""),
        ("x&" * 99 + "ref=a", "ref=a"),
        ("x&" * 100 + "ref=a", ""),
        ("utm_" + "a" * 116 + "=b", "utm_" + "a" * 116 + "=b"),
        ("utm_" + "a" * 117 + "=b", ""),
        ("ref", "ref"),
        ("ref=" + "a" * 500, "ref=" + "a" * 500),
    ],
)
def test_a_name_is_known_however_it_is_written(query: str, kept: str) -> None:
    page = parse_page(f"https://shop.example/?{query}", keep_query=False)
    assert page == Page("shop.example", "/", kept)


@pytest.mark.parametrize(
    ("path", "kept"),
    [("/\x00", "/%00"), ("/a\nb", "/a%0Ab"), ("/\x1b[31m", "/%1B[31m"), ("/\x85a", "/%C2%85a")],
)
def test_control_characters_are_written_as_a_browser_does(path: str, kept: str) -> None:
    assert parse_page(f"https://shop.example{path}", keep_query=False) == Page(
        "shop.example", kept, ""
    )


def test_a_lone_surrogate_is_replaced() -> None:
    page = parse_page("http://shop.example/\ud800", keep_query=False)
    assert page == Page("shop.example", "/\N{REPLACEMENT CHARACTER}", "")


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("utm_content=jane%40mail.example", "utm_content=[email]"),
        ("utm_content=jane%2540mail.example", "utm_content=[email]"),
        ("ref=jane@mail.example&utm_term=a", "ref=[email]&utm_term=a"),
        ("utm_term=a%26b%20jane%40x.de", "utm_term=a%26b%20[email]"),
        ("source=%2B49%20170%201234567", "source=[phone]"),
        ("utm_campaign=17384920384", "utm_campaign=17384920384"),
    ],
)
def test_what_looks_personal_is_taken_out_of_kept_parameters(query: str, kept: str) -> None:
    page = parse_page(f"https://shop.example/?{query}", keep_query=False)
    assert page == Page("shop.example", "/", kept)


def test_paths_keep_it_where_nobody_asks() -> None:
    page = parse_page("https://shop.example/u/jane%40mail.example", keep_query=False)
    assert isinstance(page, Page)
    assert page.path == "/u/jane@mail.example"
    assert page.impersonal().path == "/u/[email]"


def test_a_query_is_kept_verbatim_where_pages_need_it() -> None:
    page = parse_page("http://blog.example/?flav=rss20", keep_query=True)
    assert page == Page("blog.example", "/?flav=rss20", "")


def test_of_a_click_id_only_its_presence_is_kept() -> None:
    page = parse_page("https://shop.example/?gclid=person-7", keep_query=False)
    assert page == Page("shop.example", "/", "", click="gclid")


@pytest.mark.parametrize(
    ("url", "hostname"),
    [
        ("http://münchen.example/", "xn--mnchen-3ya.example"),
        ("http://STRAßE.example/", "xn--strae-oqa.example"),
        ("http://[::1]:8000/", "::1"),
        ("http://127.0.0.1:8000/", "127.0.0.1"),
        ("http://shop.example./", "shop.example"),
        ("http://user:secret@shop.example/", "shop.example"),
    ],
)
def test_host_names_come_in_one_form(url: str, hostname: str) -> None:
    page = parse_page(url, keep_query=False)
    assert isinstance(page, Page)
    assert page.hostname == hostname


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/relative",
        "shop.example/",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "http://shop.example:port/",
        "http://shop.example:99999/",
        "http://[::1/",
        "http://[not-an-address]/",
        "http://shop.example\\@evil.example/",
        "http://shop example/",
        "http://a..b/",
        "http://shop\x00.example/",
        "http://shop\ud800.example/",
        f"http://{'a' * 300}.example/",
    ],
)
def test_what_is_not_a_web_address_is_rejected(url: str) -> None:
    assert parse_page(url, keep_query=False) == INVALID


@given(
    st.one_of(st.text(), st.text().map("https://{}".format), st.text().map("http://a/{}".format)),
    st.booleans(),
)
def test_no_address_makes_it_raise(url: str, keep_query: bool) -> None:
    page = parse_page(url, keep_query=keep_query)
    assert page == INVALID or (isinstance(page, Page) and page.path.startswith("/"))


PLAIN = st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=10)


@given(PLAIN, PLAIN, PLAIN, PLAIN, st.booleans())
def test_userinfo_and_fragment_never_leak(
    path: str, name: str, query: str, fragment: str, keep_query: bool
) -> None:
    url = f"https://USERINFO:PASSWORD{name}@shop.example/{path}?utm_x={query}#FRAGMENT{fragment}"
    page = parse_page(url, keep_query=keep_query)
    assert isinstance(page, Page)
    kept = f"{page.hostname} {page.path} {page.query}"
    assert not any(secret in kept for secret in ("USERINFO", "PASSWORD", "FRAGMENT"))


@pytest.mark.parametrize(
    ("written", "page"),
    [
        ("/%E4%BD%A0%E5%A5%BD", "/你好"),
        ("/%e4%bd%a0%e5%a5%bd", "/你好"),
        ("/你好", "/你好"),
        ("/%F0%9F%8E%89", "/🎉"),
        ("/%41bout", "/About"),
        ("/caf%C3%A9%20au%20lait", "/café au lait"),
        ("/%E9t%e9", "/%E9t%E9"),
        ("/%C3%A9%ff", "/é%FF"),
        ("/a%2fb", "/a%2Fb"),
        ("/a%3Fb%23c%5Cd", "/a%3Fb%23c%5Cd"),
        ("/100%", "/100%25"),
        ("/100%25", "/100%25"),
        ("/%2541", "/%2541"),
        ("/%0a%1B[0m", "/%0A%1B[0m"),
        ("/a%E2%80%8Bb", "/a%E2%80%8Bb"),
        ("/a\u200bb", "/a%E2%80%8Bb"),
        ("//about", "/about"),
        ("/./about", "/about"),
        ("/about/.", "/about/"),
        ("/a/../about", "/about"),
        ("/a/%2e%2e/about", "/about"),
        ("/../../about", "/about"),
        ("/a//b///c", "/a/b/c"),
        ("/..", "/"),
        ("/.well-known/x", "/.well-known/x"),
        ("/a..b/...", "/a..b/..."),
    ],
)
def test_a_page_is_written_in_one_way(written: str, page: str) -> None:
    found = parse_page(f"https://shop.example{written}", keep_query=False)
    assert isinstance(found, Page)
    assert found.path == page


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_path_that_was_read_is_read_as_itself(path: str, other: str) -> None:
    once = readable_path(f"/{path}")
    assert readable_path(once) == once
    assert once.startswith("/")
    assert once.isprintable()
    written = f"/{quote(path, safe='', errors='replace')}/{quote(other, safe='', errors='replace')}"
    assert readable_path(readable_path(written)) == readable_path(written)


@pytest.mark.parametrize("text", ["%" * 200_000, "%41" * 70_000, "/." * 100_000, "/../" * 50_000])
def test_a_long_path_takes_linear_time(text: str) -> None:
    began = time.process_time()
    readable_path(text)
    assert time.process_time() - began < 0.5


RULES = PageRules(
    drop_slash=True,
    lower_case=True,
    index_files=("index.html",),
    parameters=("id", "q"),
    folds=("/order/*", "/blog/*/comments", "/user-*", "/files/**"),
)


@pytest.mark.parametrize(
    ("written", "page"),
    [
        ("/About/", "/about"),
        ("/about/index.html", "/about"),
        ("/", "/"),
        ("/index.html", "/"),
        ("/order/4711", "/order/*"),
        ("/order/4711/", "/order/*"),
        ("/order/4711/items", "/order/4711/items"),
        ("/order", "/order"),
        ("/blog/a-b/comments", "/blog/*/comments"),
        ("/user-7", "/user-*"),
        ("/files/a/b/c.txt", "/files/**"),
        ("/list?q=a&x=1&ID=7#f", "/list?ID=7&q=a"),
        ("/list?x=1", "/list"),
        ("/list?q=jane%40mail.example", "/list?q=[email]"),
    ],
)
def test_a_sites_rules_join_pages(written: str, page: str) -> None:
    found = parse_page(f"https://shop.example{written}", keep_query=False, rules=RULES)
    assert isinstance(found, Page)
    assert found.path == page


@pytest.mark.parametrize(
    "rules",
    [
        {"folds": ("order/*",)},
        {"folds": ("/order",)},
        {"folds": ("/a*b*c",)},
        {"folds": ("/**/a",)},
        {"folds": ("/a?b=*",)},
        {"index_files": ("a/b",)},
        {"parameters": ("a=b",)},
        {"parameters": ("a",) * 101},
    ],
)
def test_rules_that_cannot_be_are_refused(rules: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(UsageError):
        PageRules(**rules)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("host", "readable"),
    [
        ("xn--mnchen-3ya.example", "münchen.example"),
        ("xn--fsqu00a.xn--0zwm56d", "例子.测试"),
        ("shop.example", "shop.example"),
        ("xn--.example", "xn--.example"),
        ("xn--\u00fc.example", "xn--\u00fc.example"),
        ("xn--a.example", "xn--a.example"),
        ("xn--99999999.example", "xn--99999999.example"),
    ],
)
def test_internationalised_hosts_are_readable(host: str, readable: str) -> None:
    assert readable_host(host) == readable
