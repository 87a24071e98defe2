"""Whatever a request holds, it takes a time that grows with its length, and a short one."""

import json
import pkgutil
import re
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from itertools import chain

import pytest

import ingest
from ingest.hits.malformed import scrub
from schemas.hit import MAX_BODY_BYTES, MAX_HITS
from tests.ingest.http_caller import call

MOST_CPU_SECONDS = 0.05
GOOD = {"event_type": "page_view", "page_url": "https://shop.example/good"}
SESSION = "session-1"

PIECES = (
    *("a", "a.", "a@", "a+", "文", "%40", "(", "[", "{", '"', "\\", "'", " ", ":", "::", "-", "_"),
    *(
        "/",
        "https://",
        "https:\\/\\/",
        "a@a.",
        "%40a.",
        '"csrf_token":',
        "csrf_token",
        "a&",
        "a=b&",
    ),
    *(
        "utm_a=",
        "ref",
        "1",
        "1.",
        "0" * 32,
        "cp",
        "shop",
        "e",
        "com.",
        "google.",
        "Android",
        "Mobi",
    ),
    *(
        "Mozilla/5.0 ",
        "(compatible;",
        "feed ",
        "rss",
        "\n",
        "\0",
        "\x1b[31m",
        "<",
        "&lt;",
        "{}",
        "[]",
    ),
    *("\ud800", "é", "e\u0301", "🙂", "\u202e", "1e9", "-", "null,", "nan", "{[", "}]"),
)
ENDS = ("", "!", "\0", "@", '"', "}")
IDS = [repr(piece[:9]) for piece in PIECES]
TEXTS = tuple((piece * MAX_BODY_BYTES)[:MAX_BODY_BYTES] for piece in PIECES)


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Every compiled pattern of the package, wherever it is kept."""
    for module in pkgutil.walk_packages(ingest.__path__, "ingest."):
        for name, value in vars(import_module(module.name)).items():
            for found in _patterns_in(value):
                yield f"{module.name}.{name}", found


def _patterns_in(value: object) -> Iterator[re.Pattern[str]]:
    match value:
        case re.Pattern():
            yield value
        case dict():
            yield from chain.from_iterable(map(_patterns_in, chain(value, value.values())))
        case list() | tuple() | set() | frozenset():
            yield from chain.from_iterable(map(_patterns_in, value))


def cpu_seconds(work: object, *arguments: object) -> float:
    """The least of three runs: others use the machine too."""
    assert callable(work)

    def once() -> float:
        began = time.process_time()
        work(*arguments)
        return time.process_time() - began

    return min(took for took in (once(), once(), once()))


def test_the_patterns_of_the_collector_are_found() -> None:
    names = {name.rpartition(".")[2] for name, _ in patterns()}
    assert {"EMAIL", "URL", "TOKEN", "HOSTNAME", "NOT_A_BROWSER", "PHONE", "NAME"} <= names


def test_no_module_hides_a_pattern_in_a_function() -> None:
    """Else the test below would not see it."""
    for module in pkgutil.walk_packages(ingest.__path__, "ingest."):
        code = import_module(module.name).__loader__.get_source(module.name)  # type: ignore[union-attr]
        for call_of_re in ("re.search(", "re.match(", "re.fullmatch(", "re.sub(", "re.split("):
            assert call_of_re not in code, f"{module.name} calls {call_of_re}: compile it on top"


@pytest.mark.parametrize(("name", "pattern"), list(patterns()))
def test_no_pattern_takes_long(name: str, pattern: re.Pattern[str]) -> None:
    slow = {
        (text[:8], end, use): took
        for text in TEXTS
        for end in ENDS
        for use in ("fullmatch", "sub")  # to replace is to search, again and again
        if (took := _once(pattern, text + end, use)) > MOST_CPU_SECONDS
    }
    assert not slow, f"{name}: {slow}"


def _once(pattern: re.Pattern[str], text: str, use: str) -> float:
    work = getattr(pattern, use)
    arguments = ("", text) if use == "sub" else (text,)
    began = time.process_time()
    work(*arguments)
    took = time.process_time() - began
    return took if took <= MOST_CPU_SECONDS else cpu_seconds(work, *arguments)


@pytest.mark.parametrize("text", TEXTS, ids=IDS)
def test_scrubbing_takes_no_time(text: str) -> None:
    assert cpu_seconds(scrub, text) < MOST_CPU_SECONDS


@pytest.fixture
def token(deployed: object) -> str:
    assert deployed
    return str(call("/api/csrf-token", {"session_id": SESSION}).document["csrf_token"])


def bodies(text: str) -> Iterator[tuple[str, str]]:
    """Requests that hold a hostile text in each place that a stranger can reach."""
    room = MAX_BODY_BYTES - 1000
    short = text.encode(errors="replace").decode()[: room // 6]
    yield "text", text
    yield "an object that is cut off", f'{{"events": [{json.dumps(short)}'
    yield "an event", json.dumps({"events": [short, GOOD]})
    for field in ("page_url", "referrer", "title", "name", "event_id", "event_type", "language"):
        hit = {**GOOD, "event_type": "custom", "name": "n", field: short}
        yield field, json.dumps({"events": [hit, GOOD]})
    for begin in ("https://shop.example/?utm_source=", "https://", "android-app://"):
        hit = {**GOOD, "referrer": (begin + short)[:2000], "page_url": (begin + short)[:2000]}
        yield begin, json.dumps({"events": [hit] * 10})
    yield "props", json.dumps({"events": [{**GOOD, "props": {short[:64]: short[:1000]}}, GOOD]})


@pytest.mark.parametrize("text", TEXTS, ids=IDS)
def test_no_request_takes_long(text: str, token: str) -> None:
    credentials = {"X-CSRF-Token": token, "X-Session-ID": SESSION}
    call("/api/events", {"events": [GOOD]}, headers=credentials)  # the first loads patterns
    slow = {
        place: took
        for place, body in bodies(text)
        if (took := _of_request(body, credentials)) > MOST_CPU_SECONDS
    }
    assert not slow


@pytest.mark.parametrize("text", TEXTS, ids=IDS)
@pytest.mark.parametrize(
    "header", ["User-Agent", "Accept-Language", "Origin", "Referer", "CloudFront-Viewer-City"]
)
def test_no_header_takes_long(header: str, text: str, token: str) -> None:
    credentials = {"X-CSRF-Token": token, "X-Session-ID": SESSION}
    took = _of_request(json.dumps({"events": [GOOD]}), {**credentials, header: text})
    assert took < MOST_CPU_SECONDS


def _of_request(body: str, headers: dict[str, str]) -> float:
    def send() -> None:
        assert call("/api/events", body, headers=headers).status < 500

    return cpu_seconds(send)


@pytest.mark.parametrize(
    "bad",
    [
        *("[" * depth + "]" * depth for depth in (30, 33, 200, 977, 1000, 10_000)),
        *('{"a":' * depth + "1" + "}" * depth for depth in (33, 977, 10_000)),
        '{"props":' + "[" * 5000 + "]" * 5000 + "}",
        "[" * 400 + '"]]]]"' + "]" * 400,
        '{"n": ' + "9" * 5000 + "}",
        '{"event_type": "page_view", "page_url": "https://shop.example/", "age_ms": '
        + "9" * 60_000
        + "}",
        json.dumps({**GOOD, "title": "x" * 60_000}),
    ],
    ids=lambda bad: f"{bad[:12]}-{len(bad)}",
)
def test_one_bad_event_never_loses_the_good_ones(bad: str, token: str) -> None:
    good = json.dumps(GOOD)
    body = f'{{"events": [{good}, {bad}, {good.replace("good", "also-good")}]}}'
    answer = call("/api/events", body, headers={"X-CSRF-Token": token, "X-Session-ID": SESSION})
    assert answer.status == 200, answer.body
    assert answer.document["accepted"] == 2
    assert [refusal["index"] for refusal in answer.document["rejected"]] == [1]


def test_what_is_nested_within_reason_is_read_as_it_is(token: str) -> None:
    hit = {**GOOD, "props": {f"p{n}": '["{' for n in range(30)}, "unknown": [[{"a": [1]}]]}
    body = {"events": [hit] * MAX_HITS}
    answer = call("/api/events", body, headers={"X-CSRF-Token": token, "X-Session-ID": SESSION})
    assert answer.document["rejected"] == []
    assert sys.getrecursionlimit() >= 1000
