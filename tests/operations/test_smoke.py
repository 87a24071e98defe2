"""`liveinsight smoke` against the real embedded engine: whole, and broken in every way it looks."""

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count

import pytest
from click.testing import CliRunner

from liveinsight.cli import cli
from liveinsight.operations.smoke import CHECKS
from tests.operations.breaking_proxy import Asked, Fault, Passed, front_of
from tests.pipeline.engine import Engine, liveinsight, running

pytestmark = pytest.mark.pipeline

PUBLIC = "public.example"
PRIVATE = "private.example"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    data = tmp_path_factory.mktemp("smoke")
    liveinsight("site", "add", PUBLIC, "--public", "--data", data)
    with running(data) as engine:
        yield engine


def smoke(*arguments: object, code: int = 0) -> dict[str, str]:
    """Run the command; return what each check came to."""
    done = run_json(*arguments, code=code)
    return {check["name"]: check["outcome"] for check in done["checks"]}


def run_json(*arguments: object, code: int) -> dict[str, list[dict[str, str]]]:
    done = CliRunner().invoke(cli, ["smoke", *map(str, arguments), "--json"])
    assert done.exit_code == code, done.output
    document: dict[str, list[dict[str, str]]] = json.loads(done.stdout)
    return document


def failed(outcomes: dict[str, str]) -> set[str]:
    return {name for name, outcome in outcomes.items() if outcome == "failed"}


def test_a_system_that_is_well_passes_every_check(engine: Engine) -> None:
    before = engine.get("/api/stats", site_id=PUBLIC)["totals"]["pageviews"]
    outcomes = smoke(engine.url)
    assert list(outcomes) == [name for name, _ in CHECKS]
    assert set(outcomes.values()) == {"passed"}
    assert engine.get("/api/stats", site_id=PUBLIC)["totals"]["pageviews"] == before + 1


def test_each_check_is_a_line_with_its_time(engine: Engine) -> None:
    lines = liveinsight("smoke", engine.url, "--site", PUBLIC).splitlines()
    assert len(lines) == len(CHECKS)
    for line, (name, _) in zip(lines, CHECKS, strict=True):
        assert name in line
        assert " ms  " in line


def test_a_private_site_needs_its_read_key(engine: Engine) -> None:
    added = liveinsight("site", "add", PRIVATE, "--json", "--data", engine.data)
    read_key = json.loads(added)["read_key"]
    assert {"answers realtime", "counts the event"} <= failed(
        smoke(engine.url, "--site", PRIVATE, code=1)
    )
    assert failed(smoke(engine.url, "--site", PRIVATE, "--read-key", read_key)) == set()


def test_a_site_that_is_not_there_fails_and_sends_nothing(engine: Engine) -> None:
    outcomes = smoke(engine.url, "--site", "no.such", code=1)
    assert "issues a token" in failed(outcomes)
    assert outcomes["accepts an event"] == "skipped"
    assert outcomes["counts the event"] == "skipped"


def at(path: str, method: str, change: Callable[[Passed], Passed]) -> Fault:
    """Break the answers of one route."""

    def fault(asked: Asked, answer: Passed) -> Passed:
        is_it = asked.method == method and asked.path.partition("?")[0] == path
        return change(answer) if is_it else answer

    return fault


def frozen() -> Callable[[Passed], Passed]:
    """Give the first good answer for ever, as with a consumer that has stopped."""
    kept: list[Passed] = []

    def change(answer: Passed) -> Passed:
        if answer.status == 200:
            kept.append(answer)
        return kept[0] if answer.status == 200 else answer

    return change


def crashed(_: Passed) -> Passed:
    """Give what API Gateway gives when a function fails."""
    return Passed(
        502, {"Content-Type": "application/json"}, b'{"message": "Internal server error"}'
    )


def crashed_for_bad_requests(answer: Passed) -> Passed:
    return crashed(answer) if 400 <= answer.status < 500 else answer


def as_a_page(answer: Passed) -> Passed:
    """Give an error page instead of a problem document, as CloudFront does by itself."""
    if answer.status < 400:
        return answer
    return replace(answer, headers={"Content-Type": "text/html"}, content=b"<h1>Bad request</h1>")


def without(header: str) -> Callable[[Passed], Passed]:
    return lambda answer: replace(
        answer, headers={n: v for n, v in answer.headers.items() if n.lower() != header}
    )


def through_cloudfront(*, hits_from: int) -> Callable[[Passed], Passed]:
    """Add what CloudFront adds; the cache begins to answer with a certain request."""
    number = count(1)

    def change(answer: Passed) -> Passed:
        said = "Hit" if next(number) >= hits_from else "Miss"
        return replace(answer, headers={**answer.headers, "X-Cache": f"{said} from cloudfront"})

    return change


def losing_count(answer: Passed) -> Passed:
    """Say that an event was archived and not counted."""
    broken = [{"what": "1 events accepted and not counted", "where": "ledgers"}]
    account = {**json.loads(answer.content), "state": "broken", "broken": broken}
    return replace(answer, content=json.dumps(account).encode())


def losing_events(answer: Passed) -> Passed:
    return (
        answer
        if answer.status != 200
        else replace(answer, content=b'{"accepted": 0, "duplicates": 0, "rejected": []}')
    )


@pytest.mark.parametrize(
    ("fault", "caught"),
    [
        (at("/api/csrf-token", "POST", crashed), {"issues a token"}),
        (at("/api/csrf-token", "POST", without("content-type")), {"issues a token"}),
        (at("/api/events", "POST", losing_events), {"accepts an event"}),
        (
            at("/api/events", "POST", crashed_for_bad_requests),
            {"refuses a bad body", "refuses a missing token"},
        ),
        (
            at("/api/events", "POST", as_a_page),
            {"refuses a bad body", "refuses a missing token"},
        ),
        (
            at("/api/events", "OPTIONS", without("access-control-allow-headers")),
            {"answers a preflight"},
        ),
        (at("/api/stats", "GET", crashed_for_bad_requests), {"refuses a bad query"}),
        (at("/api/stats", "GET", as_a_page), {"refuses a bad query"}),
        (at("/api/stats", "GET", frozen()), {"counts the event"}),
        (at("/api/realtime", "GET", frozen()), {"shows the event"}),
        (at("/api/realtime", "GET", without("cache-control")), {"allows caching"}),
        (at("/api/realtime", "GET", through_cloudfront(hits_from=99)), {"allows caching"}),
        (
            at("/api/realtime", "GET", crashed),
            {"answers realtime", "allows caching", "shows the event"},
        ),
        (at("/api/reconciliation", "GET", crashed), {"answers reconciliation"}),
        (at("/api/reconciliation", "GET", losing_count), {"answers reconciliation"}),
    ],
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, set) else "",
)
def test_a_broken_system_is_caught_by_the_check_that_looks_there(
    engine: Engine, fault: Fault, caught: set[str]
) -> None:
    with front_of(engine.url, fault) as front:
        outcomes = smoke(front.url, "--site", PUBLIC, "--timeout", 3, code=1)
    assert failed(outcomes) == caught


def test_behind_a_cloudfront_that_answers_from_its_cache_all_is_well(engine: Engine) -> None:
    with front_of(engine.url, at("/api/realtime", "GET", through_cloudfront(hits_from=4))) as front:
        assert failed(smoke(front.url, "--site", PUBLIC)) == set()


def test_where_reconciliation_is_not_deployed_its_check_is_skipped(engine: Engine) -> None:
    def missing(_: Passed) -> Passed:
        return Passed(404, {"Content-Type": "application/problem+json"}, b"{}")

    with front_of(engine.url, at("/api/reconciliation", "GET", missing)) as front:
        outcomes = smoke(front.url, "--site", PUBLIC)
    assert {name for name, outcome in outcomes.items() if outcome == "skipped"} == {
        "answers reconciliation"
    }


def test_where_nobody_listens_every_check_that_asks_fails() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    outcomes = smoke(f"http://127.0.0.1:{port}", "--site", PUBLIC, code=1)
    assert set(outcomes.values()) == {"failed", "skipped"}


def test_an_address_that_is_none_is_one_line_and_exit_code_2() -> None:
    error = liveinsight("smoke", "stats.example.com", code=2)
    assert error.count("\n") == 1
    assert "https://" in error


def test_without_a_public_site_the_command_asks_for_one(engine: Engine) -> None:
    def no_site(answer: Passed) -> Passed:
        return replace(answer, content=b'{"sites": []}')

    with front_of(engine.url, at("/config.json", "GET", no_site)) as front:
        assert "--site" in liveinsight("smoke", front.url, code=2)
