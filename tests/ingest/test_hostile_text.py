"""Whatever a request holds, it takes a time that grows with its length, and a short one."""

import ast
import gc
import json
import pkgutil
import re
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from types import FunctionType, MappingProxyType, ModuleType
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, StringConstraints, TypeAdapter, ValidationError

from ingest.hits.client import MAX_USER_AGENT, Client
from ingest.hits.shape import kept_of
from schemas.hit import MAX_BODY_BYTES, MAX_HITS, MAX_URL
from tests.ingest.http_caller import call
from tests.ingest.memory_sink import MemoryEventSink

ROOT = Path(__file__).parents[2]
PACKAGES = ("ingest", "processors", "aggregates", "api", "runtime", "schemas")
MOST_CPU_SECONDS = 0.05
"""On a machine, and at a moment, that takes YARDSTICK_SECONDS for `yardstick`."""
YARDSTICK_LISTS, YARDSTICK_SECONDS = 50_000, 0.009
NOISE_SECONDS = 0.005
"""Of a request that costs next to nothing."""
QUADRATIC = re.compile("a+@")
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
        "%&",
        "%41&",
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


def modules() -> Iterator[ModuleType]:
    """Every module that runs in a function."""
    for package in PACKAGES:
        for found in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            yield import_module(found.name)


def patterns(*searched: ModuleType) -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Every compiled pattern that modules reach, wherever they keep it, each once."""
    seen: dict[int, object] = {
        id(vars(module)): module for module in (*sys.modules.values(), *searched)
    }
    for module in searched:
        for name, value in vars(module).items():
            for found in _reached(value, seen):
                yield f"{module.__name__}.{name}", found


def _reached(value: object, seen: dict[int, object]) -> Iterator[re.Pattern[Any]]:
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if id(value) in seen or _is_foreign(value):
            continue
        seen[id(value)] = value
        if isinstance(value, re.Pattern):
            yield value
        else:
            waiting += gc.get_referents(value)


def _is_foreign(value: object) -> bool:
    """Whether it is a module, or a class or function of no package of ours."""
    if isinstance(value, type | FunctionType):
        return (value.__module__ or "").partition(".")[0] not in PACKAGES
    return isinstance(value, ModuleType)


def cpu_seconds(work: object, *arguments: object) -> float:
    """The least of three runs: others use the machine too."""
    assert callable(work)

    def once() -> float:
        began = time.process_time()
        work(*arguments)
        return time.process_time() - began

    return min(took for took in (once(), once(), once()))


def yardstick() -> None:
    """Make and forget many small things, as the parsing of hostile texts does."""
    json.loads("[" + "[[0]]," * YARDSTICK_LISTS + "0]")


def is_slow(seconds: float) -> bool:
    """Say whether this is more than a request may take, however slow the machine is just now."""
    if seconds <= MOST_CPU_SECONDS:
        return False
    return seconds > MOST_CPU_SECONDS * max(1.0, cpu_seconds(yardstick) / YARDSTICK_SECONDS)


def test_the_patterns_of_the_functions_are_found() -> None:
    names = {name.rpartition(".")[2] for name, _ in patterns(*modules())}
    assert {
        "EMAIL",
        "CARD",
        "QUERY",
        "TOKEN",
        "HOSTNAME",
        "NOT_A_BROWSER",
        "PHONE",
        "NAME",
        "SITE_ID",
    } <= names


def calls_of_re(code: str) -> set[str]:
    """Uses of `re` that compile a pattern where it cannot be found: not on top of a module."""
    tree = ast.parse(code)
    aliased = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name == "re" and alias.asname
    }
    from_re = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "re"
        for alias in node.names
    }
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for part in ast.walk(node)
    }
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "re"
        and not (node.attr == "compile" and id(node) not in inside)
        and not isinstance(getattr(re, node.attr), re.RegexFlag | type)
    }
    return aliased | from_re | used


@pytest.mark.parametrize("module", list(modules()), ids=lambda module: module.__name__)
def test_no_module_hides_a_pattern_in_a_function(module: ModuleType) -> None:
    """Else the test below would not see it."""
    assert calls_of_re(Path(str(module.__file__)).read_text()) == set()


@pytest.mark.parametrize(
    "code",
    [
        "import re\nre.search('a', 'b')",
        "import re\nFIND = re.search",
        "import re\nFIND = partial(re.sub, 'a', 'b')",
        "import re\ndef f(): return re.compile('a')",
        "import re\nf = lambda: re.compile('a')",
        "import re as regex\nregex.search('a', 'b')",
        "from re import search",
    ],
)
def test_a_pattern_in_a_function_is_caught(code: str) -> None:
    assert calls_of_re(code)


@pytest.mark.parametrize(
    "code",
    [
        "HIDDEN = PATTERN",
        "HIDDEN = [({'key': PATTERN},)]",
        "HIDDEN = {PATTERN: 1}",
        "HIDDEN = MappingProxyType({'key': PATTERN})",
        "HIDDEN = frozenset({PATTERN})",
        "HIDDEN = PATTERN.search",
        "HIDDEN = partial(PATTERN.sub, '')",
        "HIDDEN = partial(print, sep=PATTERN)",
        "@dataclass(frozen=True, slots=True)\nclass Rule:\n    p: object\nHIDDEN = Rule(PATTERN)",
        "class HIDDEN:\n    pattern = PATTERN",
        "class HIDDEN(Enum):\n    ONE = PATTERN",
        "def HIDDEN(text, pattern=PATTERN): ...",
        "HIDDEN = (lambda pattern: lambda text: pattern.search(text))(PATTERN)",
        "HIDDEN = cache(lambda text, pattern=PATTERN: pattern.search(text))",
    ],
)
def test_a_pattern_is_found_wherever_it_hides(code: str) -> None:
    module = ModuleType("ingest.hidden")
    vars(module).update(
        PATTERN=QUADRATIC,
        MappingProxyType=MappingProxyType,
        partial=partial,
        dataclass=dataclass,
        Enum=Enum,
        cache=cache,
    )
    sys.modules[module.__name__] = module  # where dataclass looks for it
    try:
        exec(code, vars(module))  # noqa: S102 - the code is above
    finally:
        del sys.modules[module.__name__]
    del vars(module)["PATTERN"]
    assert ("ingest.hidden.HIDDEN", QUADRATIC) in list(patterns(module))


def slow_texts(pattern: re.Pattern[Any], texts: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    as_bytes = isinstance(pattern.pattern, bytes)
    return (
        (text[:8], end, use)
        for text in texts
        for end in ENDS
        for use in ("fullmatch", "sub")  # to replace is to search, again and again
        if is_slow(_once(pattern, _as(text + end, as_bytes=as_bytes), use))
    )


def _as(text: str, *, as_bytes: bool) -> Any:
    return text.encode(errors="replace") if as_bytes else text


OF_AGENTS = ("ingest.hits.user_agent.", "ingest.hits.bots.")


@pytest.mark.parametrize(("name", "pattern"), list(patterns(*modules())))
def test_no_pattern_takes_long(name: str, pattern: re.Pattern[Any]) -> None:
    texts = TEXTS
    if name.startswith(OF_AGENTS):  # of which no more is looked at, so that they may be many words
        texts = tuple(text[: 4 * MAX_USER_AGENT] for text in TEXTS)
    assert next(slow_texts(pattern, texts), None) is None, name


def test_a_pattern_that_goes_back_is_caught() -> None:
    assert is_slow(_once(QUADRATIC, "a" * (MAX_BODY_BYTES // 4), "search"))


def constraints() -> set[str]:
    """The patterns that pydantic applies: in every type of a model's field."""
    return {
        text
        for module in modules()
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, BaseModel) and model is not BaseModel
        for text in _patterns_of(model.__pydantic_core_schema__)
    }


def _patterns_of(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        schema = list(schema.values())
    if isinstance(schema, list | tuple):
        for part in schema:
            yield from _patterns_of(part)


def test_the_patterns_of_models_are_found() -> None:
    assert {r"^[A-Za-z0-9_.-]+$", r"^[A-Z]{3}$"} <= constraints()


@pytest.mark.parametrize("pattern", sorted(constraints()))
def test_no_pattern_of_a_model_takes_long(pattern: str) -> None:
    """Not even where no length bounds the text."""
    validator = TypeAdapter(Annotated[str, StringConstraints(pattern=pattern)])

    def validate(text: str) -> None:
        with suppress(ValidationError):
            validator.validate_python(text)

    texts = (text + end for text in TEXTS for end in ENDS)
    assert not [text[:8] for text in texts if is_slow(cpu_seconds(validate, text))]


def _once(pattern: re.Pattern[Any], text: Any, use: str) -> float:
    work = getattr(pattern, use)
    arguments = (text[:0], text) if use == "sub" else (text,)
    began = time.process_time()
    work(*arguments)
    took = time.process_time() - began
    return took if took <= MOST_CPU_SECONDS else cpu_seconds(work, *arguments)


@pytest.mark.parametrize("text", TEXTS, ids=IDS)
def test_the_shape_of_a_hit_takes_no_time(text: str) -> None:
    """However it came: as a text, as known fields, or under names of the sender's own."""
    client = Client("203.0.113.9", "Mozilla/5.0")
    for raw in (text, {**GOOD, "title": text, "n": text}, {**GOOD, "props": {text: text}}):
        assert not is_slow(cpu_seconds(kept_of, raw, client))


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
        if is_slow(took := _of_request(body, credentials))
    }
    assert not slow


@pytest.mark.parametrize("text", TEXTS, ids=IDS)
@pytest.mark.parametrize(
    "header", ["User-Agent", "Accept-Language", "Origin", "Referer", "CloudFront-Viewer-City"]
)
def test_no_header_takes_long(header: str, text: str, token: str) -> None:
    credentials = {"X-CSRF-Token": token, "X-Session-ID": SESSION}
    body = json.dumps({"events": [GOOD]})
    for value in (text, f"https://shop.example/?{text * 4}"):
        assert not is_slow(_of_request(body, {**credentials, header: value}))


BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0.0.0 Safari/537.36 "
FULL = MAX_BODY_BYTES - 1000
PARAMETERS = ("%&", "%a&", "%41&", "&", "ref=a&", "%72ef=a&", "source=%&")
MOST_RECORD_BYTES = 1024 * 1024
"""What Kinesis takes."""
MOST_TIMES_LONGER = 8
MOST_OVERHEAD = 2000
"""Of a record: what the request's headers say of the browser."""


def filled(bytes_: int) -> dict[str, tuple[str, dict[str, str]]]:
    """Bodies of a size that are hostile by their form, and the headers that go with them."""

    def of_keys(count: int) -> str:
        return json.dumps({"events": [{**GOOD, "props": {f"k{n}": n for n in range(count)}}]})

    def of_queries(piece: str) -> str:
        url = ("https://shop.example/?" + piece * MAX_URL)[:MAX_URL]
        return json.dumps({"events": [{**GOOD, "page_url": url}] * (bytes_ // 2060)})

    def of_two_queries(piece: str) -> str:
        url = ("https://shop.example/?" + piece * MAX_URL)[:MAX_URL]
        hit = {**GOOD, "page_url": url, "referrer": url.replace("shop", "else")}
        return json.dumps({"events": [hit] * (bytes_ // 4080)})

    def of_header(name: str) -> tuple[str, dict[str, str]]:
        return json.dumps(GOOD), {name: ("https://a/?" + "%&" * bytes_)[: 4 * bytes_]}

    return {
        **{f"queries of {piece}": (of_queries(piece), {}) for piece in PARAMETERS},
        **{f"two queries of {piece}": (of_two_queries(piece), {}) for piece in PARAMETERS},
        **{f"a long {name}": of_header(name) for name in ("Origin", "Referer", "Host")},
        "numbers that are written longer": (
            json.dumps({"events": [{"n": [0] * (bytes_ // 5)}]}).replace("0", "1e15"),
            {},
        ),
        "letters that are written longer": (
            json.dumps({"events": [{"n": "é" * (bytes_ // 2 - 10)}]}, ensure_ascii=False),
            {},
        ),
        "as many events as there may be": (
            json.dumps({"events": [{**GOOD, "props": {"n" * 60: 1e15}}] * MAX_HITS}),
            {},
        ),
        "an amount": (
            json.dumps({**GOOD, "revenue": {"amount": "1." + "0" * bytes_, "currency": "EUR"}}),
            {},
        ),
        "nested arrays": ("[" * bytes_, {}),
        "nested arrays, closed": ("[" * (bytes_ // 2) + "]" * (bytes_ // 2), {}),
        "arrays beside each other, too deep": ("[" * 33 + "[]" * (bytes_ // 2 - 40), {}),
        "nested objects": ('{"a":' * (bytes_ // 5), {}),
        "nested in an event": (
            '{"events": [' + "[" * (bytes_ // 2) + "]" * (bytes_ // 2) + "]}",
            {},
        ),
        "digits": (f'{{"events": [{{"age_ms": {"9" * bytes_}}}]}}', {}),
        "an exponent": (f'{{"events": [{{"age_ms": 1e{"9" * bytes_}}}]}}', {}),
        "properties": (of_keys(bytes_ // 13), {}),
        "keys": (json.dumps({f"k{n}": n for n in range(bytes_ // 16)}), {}),
        "the same key": ("{" + ",".join(['"events":[]'] * (bytes_ // 12)) + "}", {}),
        "events": (json.dumps({"events": [0] * (bytes_ // 3)}), {}),
        "escapes": ('{"title": "' + "\\u0041" * (bytes_ // 6) + '"}', {}),
        "open text": ('{"title": "' + "\\" * bytes_, {}),
        "url path": (
            json.dumps({**GOOD, "page_url": "https://shop.example/" + "a/" * (bytes_ // 2)}),
            {},
        ),
        "url query": (
            json.dumps({**GOOD, "page_url": "https://shop.example/?" + "a=b&" * (bytes_ // 4)}),
            {},
        ),
        "referrer": (json.dumps({**GOOD, "referrer": "https://a." + "a." * (bytes_ // 2)}), {}),
        "user agent": (
            json.dumps(GOOD),
            {"User-Agent": BROWSER + "(compatible; " * (bytes_ // 13)},
        ),
    }


@pytest.mark.parametrize("form", filled(0))
def test_no_form_of_a_request_takes_long_or_more_than_its_length(form: str, token: str) -> None:
    """Four times the text may take four times as long, and not sixteen times.

    The second bound leaves room for others on the machine.
    """
    credentials = {"X-CSRF-Token": token, "X-Session-ID": SESSION}
    call("/api/events", {"events": [GOOD]}, headers=credentials)

    def cost(size: int) -> float:
        body, headers = filled(size)[form]
        return _of_request(body, {**credentials, **headers})

    whole, quarter = cost(FULL), cost(FULL // 4)
    assert not is_slow(whole)
    assert whole < 8 * quarter + NOISE_SECONDS


@pytest.mark.parametrize("form", filled(0))
@pytest.mark.parametrize("size", [FULL, FULL // 4, 0])
def test_no_record_is_much_longer_than_its_request(
    size: int, form: str, token: str, sink: MemoryEventSink
) -> None:
    body, headers = filled(size)[form]
    call("/api/events", body, headers={**headers, "X-CSRF-Token": token, "X-Session-ID": SESSION})
    for (record,) in sink.puts:
        assert len(record.data) <= MOST_TIMES_LONGER * len(body.encode()) + MOST_OVERHEAD
        assert len(record.data) < MOST_RECORD_BYTES


def _of_request(body: str, headers: dict[str, str]) -> float:
    def send() -> None:
        assert call("/api/events", body, headers=headers).status < 500

    return cpu_seconds(send)


AMOUNTS = (
    "0e-1000000000",
    "0e-5000",
    "0e5000",
    "-0e-60000",
    "0." + "0" * 60_000,
    "1." + "0" * 60_000,
    "1" + "0" * 60_000 + "e-60000",
    "1e-60000",
    "1e999999999",
    "9" * 60_000,
)


@pytest.mark.parametrize("amount", AMOUNTS, ids=lambda amount: f"{amount[:8]}-{len(amount)}")
def test_an_amount_is_written_with_the_digits_that_it_may_have(
    amount: str, token: str, sink: MemoryEventSink
) -> None:
    hit = {**GOOD, "revenue": {"amount": amount, "currency": "EUR"}}
    credentials = {"X-CSRF-Token": token, "X-Session-ID": SESSION}
    answer = call("/api/events", {"events": [GOOD, hit, GOOD]}, headers=credentials)
    assert answer.status == 200
    assert {refusal["field"] for refusal in answer.document["rejected"]} <= {"revenue.amount"}
    assert answer.document["accepted"] >= 2
    amounts = [event.revenue.amount for event in sink.batches[0].events if event.revenue]
    assert all(len(text) <= 20 and Decimal(text) == Decimal(amount) for text in amounts)


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
        json.dumps({**GOOD, "n": "x" * 55_000, "screen_width": -1}),
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
