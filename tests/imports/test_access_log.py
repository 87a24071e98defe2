"""Lines of access logs: what they say, and which are page views by people."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveinsight.imports.access_log import (
    MAX_LINE_LENGTH,
    LogLine,
    Malformed,
    Reason,
    classify,
    is_static,
    target_reason,
)
from liveinsight.imports.formats.combined import CombinedFormat, Layout
from liveinsight.imports.formats.fields import decode_line

EXCERPT = Path(__file__).parents[1] / "data" / "access-log-excerpt.log"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
WHEN = "17/May/2015:10:05:03 +0000"
AT = int(datetime(2015, 5, 17, 10, 5, 3, tzinfo=UTC).timestamp()) * 1000
LAYOUT = Layout(names=True)


def parse_line(text: str, layout: Layout = LAYOUT) -> LogLine | Malformed | None:
    return CombinedFormat(layout).parse(text)


def line(
    request: str = "GET /a HTTP/1.1", *, address: str = "203.0.113.7", when: str = WHEN
) -> str:
    return f'{address} - - [{when}] "{request}" 200 512 "https://example.org/" "{FIREFOX}"'


def parsed(text: str, layout: Layout = LAYOUT) -> LogLine:
    outcome = parse_line(text, layout)
    assert isinstance(outcome, LogLine), outcome
    return outcome


def page_view(target: str = "/a", **changed: object) -> LogLine:
    fields = {"address": "203.0.113.7", "at": AT, "method": "GET", "status": 200}
    return LogLine(**{**fields, "target": target, "user_agent": FIREFOX, **changed})  # type: ignore[arg-type]


def excerpt() -> list[str]:
    return [decode_line(raw) for raw in EXCERPT.read_bytes().splitlines()]


def test_a_combined_line_gives_all_its_fields() -> None:
    assert parsed(line()) == LogLine(
        address="203.0.113.7",
        at=AT,
        method="GET",
        target="/a",
        status=200,
        referrer="https://example.org/",
        user_agent=FIREFOX,
    )


def test_a_common_line_names_no_user_agent() -> None:
    found = parsed(f'203.0.113.7 - - [{WHEN}] "GET /a HTTP/1.1" 304 -')
    assert (found.status, found.referrer, found.user_agent) == (304, "", None)
    assert classify(found) is None


def test_dashes_are_empty_fields() -> None:
    found = parsed(f'203.0.113.7 - - [{WHEN}] "GET /a HTTP/1.1" 200 0 "-" "-"')
    assert (found.referrer, found.user_agent) == ("", "")


def test_fields_after_the_user_agent_are_passed_over() -> None:
    assert parsed(line() + ' "198.51.100.1" 0.005') == parsed(line())


@pytest.mark.parametrize("host", ["www.Example.org:443", "www.example.org", "www.example.org."])
def test_a_virtual_host_before_the_address_is_told_from_it(host: str) -> None:
    found = parsed(f"{host} {line()}", Layout(client=1, host=0))
    assert found == parsed(line())._replace(host="www.example.org")


@pytest.mark.parametrize("before", ["www.example.org", "-", "x y", '"a b"'])
def test_what_stands_where_the_address_should_be_is_never_taken_for_it(before: str) -> None:
    assert isinstance(parse_line(f"{before} {line()}", Layout()), Malformed)


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("203.0.113.7:42911", "203.0.113.7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, 10.0.0.1", "203.0.113.7"),
        ("10.0.0.1,203.0.113.7", "203.0.113.7"),
    ],
)
def test_an_address_has_one_form(written: str, address: str) -> None:
    assert parsed(line(address=written)).address == address


@pytest.mark.parametrize("address", ["2001:db8::7", "::1", "fe80::80", "crawl.example.org"])
def test_addresses_of_any_kind_are_taken(address: str) -> None:
    assert parsed(line(address=address)).address == address


def test_a_user_name_may_hold_spaces() -> None:
    text = f'203.0.113.7 - Ada Lovelace [{WHEN}] "GET /a HTTP/1.1" 200 1'
    assert parsed(text).address == "203.0.113.7"


@pytest.mark.parametrize(
    ("when", "utc"),
    [
        ("17/May/2015:12:05:03 +0200", AT),
        ("17/May/2015:04:35:03 -0530", AT),
        ("18/May/2015:00:05:03 +1400", AT),
        ("29/Feb/2024:00:00:00 +0000", 1_709_164_800_000),
        ("01/Jan/2024:00:30:00 +0100", 1_704_065_400_000),
        ("17/May/2015:10:05:03.250 +0000", AT + 250),
        ("2015-05-17T10:05:03+00:00", AT),
        ("2015-05-17T12:05:03.250+02:00", AT + 250),
        ("2015-05-17 10:05:03", AT),
    ],
)
def test_times_are_converted_to_utc(when: str, utc: int) -> None:
    assert parsed(line(when=when)).at == utc


@pytest.mark.parametrize(
    "when",
    [
        "30/Feb/2015:10:05:03 +0000",
        "17/Mai/2015:10:05:03 +0000",
        "17/May/2015:24:00:00 +0000",
        "17/May/2015:10:05:03 +9900",
        "17/May/2015:10:05:63 +0000",
        "2015-02-30T10:05:03+00:00",
    ],
)
def test_a_time_that_does_not_exist_is_malformed(when: str) -> None:
    assert parse_line(line(when=when)) == Malformed("time")


@pytest.mark.parametrize(
    ("request_line", "method", "target"),
    [
        ("GET / HTTP/1.0", "GET", "/"),
        ("GET /a?b=c#d HTTP/2.0", "GET", "/a?b=c#d"),
        ("GET /plain", "GET", "/plain"),  # HTTP/0.9
        ("GET /a b HTTP/1.1", "GET", "/a b"),
        ("GET http://www.example.org/a?b HTTP/1.1", "GET", "/a?b"),
        ("GET HTTPS://example.org HTTP/1.1", "GET", "/"),
        ("GET /go?to=http://example.org/ HTTP/1.1", "GET", "/go?to=http://example.org/"),
        ("OPTIONS * HTTP/1.1", "OPTIONS", "/*"),
        ("CONNECT example.org:443 HTTP/1.1", "CONNECT", "/example.org:443"),
        ("PRI * HTTP/2.0", "PRI", "/*"),
    ],
)
def test_targets_of_every_form_become_paths(request_line: str, method: str, target: str) -> None:
    found = parsed(line(request_line))
    assert (found.method, found.target) == (method, target)


@pytest.mark.parametrize(
    "request_line",
    [
        "-",
        "",
        "GET",
        "GET ",
        r"\x16\x03\x01\x02",
        "OPTIONS sip:nm SIP/2.0",
        "hello world",
        "POST /a",
    ],
)
def test_what_is_no_http_request_is_malformed(request_line: str) -> None:
    assert parse_line(line(request_line)) == Malformed("request")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "hello",
        f'203.0.113.7 - - {WHEN} "GET / HTTP/1.1" 200 1',
        f'203.0.113.7 - - [{WHEN}] "GET / HTTP/1.1 200 1',
        f'203.0.113.7 - - [{WHEN}] "GET / HTTP/1.1" - 1',
        f'203.0.113.7 - - [{WHEN}] "GET / HTTP/1.1" 200 1 "cut in the refer',
    ],
)
def test_other_lines_are_malformed(text: str) -> None:
    assert parse_line(text) == Malformed("line")


@pytest.mark.parametrize("agent", ['quote"inside', 'a "b" c', 'ends "so"'])
def test_quotes_that_nobody_escaped_are_part_of_the_user_agent(agent: str) -> None:
    found = parsed(f'203.0.113.7 - - [{WHEN}] "GET /"b" HTTP/1.1" 200 1 "-" "{agent}"')
    assert (found.target, found.user_agent) == ('/"b"', agent)


def test_escapes_are_undone() -> None:
    text = (
        f'203.0.113.7 - - [{WHEN}] "GET /\\xc3\\xa9\\x22 HTTP/1.1" 200 1 "a\\"b\\\\c" "d\\te\\xe4"'
    )
    found = parsed(text)
    assert (found.target, found.referrer, found.user_agent) == ('/é"', 'a"b\\c', "d\teä")


def test_the_closing_quote_of_the_user_agent_may_be_missing() -> None:
    assert parsed(line().removesuffix('"')) == parsed(line())


def test_a_line_that_is_too_long_is_malformed() -> None:
    assert parse_line(line("GET /" + "a" * MAX_LINE_LENGTH + " HTTP/1.1")) == Malformed("length")


@pytest.mark.parametrize(
    "text",
    [
        " " * 200_000,
        '"' * 200_000,
        "a - " + " [" * 100_000,
        line() + "\\" * 99_999,
        f"203.0.113.7 - - [{WHEN}] " + '"a" 200 1 ' * 20_000,
        f"203.0.113.7 - - [{WHEN}] " + '" 200 "' * 30_000,
        "203.0.113.7, " * 20_000 + line(),
        "[17/May/2015:10:05:03 +0000] " * 8_000,
    ],
)
@pytest.mark.parametrize("layout", [LAYOUT, Layout(client=1, host=0), Layout(field=10)])
def test_hostile_lines_are_read_in_linear_time(text: str, layout: Layout) -> None:
    began = time.process_time()
    parse_line(text, layout)
    assert time.process_time() - began < 0.5


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail(raw: bytes) -> None:
    assert isinstance(parse_line(decode_line(raw)), LogLine | Malformed | None)


@given(st.text(max_size=80), st.text(max_size=80))
def test_what_nginx_escapes_comes_back(path: str, agent: str) -> None:
    def escaped(text: str) -> str:
        safe = set(range(32, 127)) - set(b'"\\')
        encoded = text.encode(errors="replace")
        return "".join(chr(byte) if byte in safe else f"\\x{byte:02X}" for byte in encoded)

    found = parse_line(
        f'203.0.113.7 - - [{WHEN}] "GET /{escaped(path)} HTTP/1.1" 200 1 "-" "{escaped(agent)}x"'
    )
    assert isinstance(found, LogLine)
    assert found.target == "/" + path.encode(errors="replace").decode()
    assert found.user_agent == agent.encode(errors="replace").decode() + "x"


def test_bytes_that_are_not_utf_8_are_latin_1() -> None:
    assert decode_line("é".encode()) == "é"
    assert decode_line("é".encode("latin-1")) == "é"


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (page_view(), None),
        (page_view(status=304), None),
        (page_view(status=206), None),
        (page_view(method="HEAD"), Reason.METHOD),
        (page_view(method="POST"), Reason.METHOD),
        (page_view(status=301), Reason.ERROR_STATUS),
        (page_view(status=404), Reason.ERROR_STATUS),
        (page_view(status=500), Reason.ERROR_STATUS),
        (page_view("/logo.png"), Reason.STATIC_FILE),
        (page_view(user_agent="Mozilla/5.0 (compatible; bingbot/2.0)"), Reason.CRAWLER),
        (page_view(user_agent=""), Reason.CRAWLER),
        (page_view(user_agent="ELB-HealthChecker/2.0"), Reason.PROBE),
        (page_view(user_agent="curl/8.5.0"), Reason.LIBRARY),
        (page_view(user_agent="Feedly/1.0"), Reason.FEED_READER),
        (page_view(user_agent="WhatsApp/2.23"), Reason.PREVIEW),
        (page_view(user_agent="Mozilla/5.0 (compatible; GPTBot/1.1)"), Reason.AI_CRAWLER),
        (page_view(user_agent="Nuclei - Open-source project"), Reason.SCANNER),
        (page_view("/blog/a?_rsc=1x2ya"), Reason.PREFETCH),
        (page_view("/api/items"), Reason.API_CALL),
        (page_view("/api/items", user_agent="curl/8.5.0"), Reason.LIBRARY),
        (page_view(user_agent=None), None),
        (page_view("/logo.png", method="HEAD", status=404, user_agent=""), Reason.METHOD),
        (page_view("/logo.png", status=404, user_agent=""), Reason.ERROR_STATUS),
        (page_view("/logo.png", user_agent=""), Reason.STATIC_FILE),
    ],
)
def test_the_first_reason_that_applies_is_given(found: LogLine, reason: Reason | None) -> None:
    assert classify(found) == reason


@pytest.mark.parametrize(
    "target",
    [
        "/style.css?v=3",
        "/A.JPG",
        "/fonts/a.woff2",
        "/favicon.ico",
        "/robots.txt",
        "/.well-known/security.txt",
        "/release-1.2.tar.gz",
        "/paper.pdf",
        "/feed/",
        "/blog/feed",
        "/index.xml",
        "/blog/news.atom",
        "/?feed=rss2",
        "/blog/tags/puppet?flav=rss20",
    ],
)
def test_static_files_and_feeds_are_no_pages(target: str) -> None:
    assert is_static(target)


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/about",
        "/index.html",
        "/index.php?file=logo.png",
        "/notes.txt",
        "/blog/rss-readers",
        "/v1.2/",
        "/version-2.0",
        "/search?q=atom%20editor",
        "/a.png.html",
        "/misc/sample.log",
    ],
)
def test_other_targets_are_pages(target: str) -> None:
    assert not is_static(target)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("/_next/image?url=%2Fhero.jpg&w=640&q=75", Reason.API_CALL),
        ("/_next/data/b1/blog.json", Reason.PREFETCH),
        ("/socket.io/?EIO=4&transport=polling", Reason.API_CALL),
        ("/wp-admin/admin-ajax.php?action=x", Reason.API_CALL),
        ("/cdn-cgi/rum?", Reason.API_CALL),
        ("/healthz", Reason.API_CALL),
        ("/api", None),
        ("/docs/api/", None),
        ("/rest-of-the-world", None),
        ("/health/eating", None),
        ("/wp-admin/", None),
        ("/pinguin", None),
    ],
)
def test_what_scripts_ask_for_is_no_page(target: str, reason: Reason | None) -> None:
    assert target_reason(target) is reason


def test_the_line_without_its_closing_quote_is_a_crawlers() -> None:
    (broken,) = (text for text in excerpt() if not text.endswith('"'))
    assert parsed(broken).target == "/scripts/grok-py-test/configlib.py"
    assert classify(parsed(broken)) is Reason.CRAWLER


def test_escaped_bytes_of_real_referrers_are_undone() -> None:
    referrers = {parsed(text).referrer for text in excerpt() if r"\xe4\xe5" in text}
    assert referrers == {"http://äåãòÿðíîå-ìûëî.ðô/"}  # Windows-1251, read as Latin-1


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ('"GET /presentations/logstash-monitorama-2013/images/sad-medic.png ', Reason.STATIC_FILE),
        ('"GET /blog/tags/puppet?flav=rss20 ', Reason.STATIC_FILE),
        ('"GET /images/logstash_OSCON.pdf HTTP/1.1" 206 ', Reason.STATIC_FILE),
        ('"GET /misc/Title.php.txt HTTP/1.1" 500 ', Reason.ERROR_STATUS),
        ('"GET /projects/xdotool HTTP/1.1" 301 ', Reason.ERROR_STATUS),
        ('xdotool-2.20101014.3063.tar.gz HTTP/1.1" 416 ', Reason.ERROR_STATUS),
        ('"HEAD /projects/xdotool/ ', Reason.METHOD),
        ('"POST /projects/xdotool/ ', Reason.METHOD),
        ('"OPTIONS /projects/xdotool/ ', Reason.METHOD),
        ('"GET /files/logstash/ HTTP/1.0" 200 13316 ', None),
    ],
)
def test_real_lines_are_left_out_for_the_right_reason(part: str, reason: Reason | None) -> None:
    reasons = {classify(parsed(text)) for text in excerpt() if part in text}
    assert reasons == {reason}


PROGRAMS = {
    *(Reason.CRAWLER, Reason.FEED_READER, Reason.LIBRARY, Reason.PREVIEW, Reason.PROBE),
    *(Reason.AI_CRAWLER, Reason.SCANNER),
}


@pytest.mark.parametrize("crawler", ["YandexBot", "bingbot", "Baiduspider", "msnbot", "Slurp"])
def test_real_crawlers_are_left_out(crawler: str) -> None:
    reasons = {classify(parsed(text)) for text in excerpt() if crawler in text}
    assert reasons & PROGRAMS
    assert None not in reasons
