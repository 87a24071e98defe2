"""`liveinsight bench` and `liveinsight demo-script` against the real embedded engine."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from liveinsight.cli import cli
from liveinsight.operations.bench import measured, percentile
from liveinsight.operations.demo_script import SCENARIOS
from tests.operations.breaking_proxy import Asked, Passed, front_of
from tests.pipeline.engine import Engine, liveinsight, running

pytestmark = pytest.mark.pipeline

PUBLIC = "public.example"
PRIVATE = "private.example"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    data = tmp_path_factory.mktemp("bench")
    liveinsight("site", "add", PUBLIC, "--public", "--data", data)
    with running(data) as engine:
        yield engine


def run(command: str, url: str, *arguments: str, code: int = 0, site: str = PUBLIC) -> Any:
    asked = [command, "--url", url, "--site", site, *arguments, "--json"]
    done = CliRunner().invoke(cli, asked)
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def test_each_endpoint_is_measured_and_compared(engine: Engine) -> None:
    """The target is a minute: this machine is shared."""
    found = run("bench", engine.url, "--requests", "23", "--concurrency", "4", "--target", "60000")
    assert found["passed"]
    assert [one["endpoint"] for one in found["endpoints"]] == [
        "POST /api/csrf-token", "POST /api/events", "GET /api/realtime", "GET /api/stats",
    ]  # fmt: skip
    for one in found["endpoints"]:
        assert (one["answers"], one["failed"]) == (23, {})
        assert 0 < one["p50"] <= one["p95"] <= one["p99"] <= one["slowest"]


def test_what_is_slower_than_promised_fails(engine: Engine) -> None:
    def slow(_asked: Asked, answer: Passed) -> Passed:
        return answer

    with front_of(engine.url, slow) as front:
        found = run("bench", front.url, "--requests", "10", "--target", "1", code=1)
    assert not found["passed"]
    assert all(one["answers"] == 10 for one in found["endpoints"])


def test_an_answer_that_is_none_fails(engine: Engine) -> None:
    def broken(asked: Asked, answer: Passed) -> Passed:
        return Passed(503, {}, b"") if "stats" in asked.path else answer

    with front_of(engine.url, broken) as front:
        found = run("bench", front.url, "--requests", "10", "--target", "60000", code=1)
    *others, stats = found["endpoints"]
    assert all(one["passed"] for one in others)
    assert (stats["answers"], stats["failed"], stats["p95"]) == (0, {"503": 10}, None)


def test_nobody_there_fails_and_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    found = run("bench", f"http://127.0.0.1:{port}", "--requests", "10", code=1)
    assert all(sum(one["failed"].values()) == 10 for one in found["endpoints"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--requests", "9"],
        ["--requests", "1001"],
        ["--concurrency", "0"],
        ["--concurrency", "65"],
        ["--target", "nan"],
    ],
)
def test_what_cannot_be_measured_is_refused(arguments: list[str]) -> None:
    asked = ["bench", "--url", "http://127.0.0.1:1", "--site", PUBLIC, *arguments]
    assert CliRunner().invoke(cli, asked).exit_code == 2


def test_percentiles_are_times_that_were_measured() -> None:
    times = [float(number) for number in range(1, 101)]
    assert [percentile(times, percent) for percent in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert percentile([7.0], 50) == percentile([7.0], 99) == 7.0
    assert percentile([], 50) is None
    assert not measured("GET /", [], {}, 100).passed, "no answer is no good answer"
    assert not measured("GET /", [1.0], {"503": 1}, 100).passed


def test_the_demonstration_goes_as_it_is_told(engine: Engine) -> None:
    before = engine.get("/api/stats", site_id=PUBLIC)["totals"]["pageviews"]
    found = run("demo-script", engine.url)
    assert found["passed"]
    assert [one["title"] for one in found["scenarios"]] == [one.title for one in SCENARIOS]
    outcomes = {step["outcome"] for one in found["scenarios"] for step in one["steps"]}
    assert outcomes == {"passed"}
    assert engine.get("/api/stats", site_id=PUBLIC)["totals"]["pageviews"] == before + 1


def test_a_demonstration_that_goes_wrong_says_where(engine: Engine) -> None:
    def careless(asked: Asked, answer: Passed) -> Passed:
        is_refused = answer.status in {401, 403} and asked.path == "/api/events"
        accepted = b'{"accepted": 1, "duplicates": 0, "rejected": []}'
        good = {"Content-Type": "application/json"}
        return Passed(200, good, accepted) if is_refused else answer

    with front_of(engine.url, careless) as front:
        found = run("demo-script", front.url, code=1)
    *others, tokens = found["scenarios"]
    assert {step["outcome"] for one in others for step in one["steps"]} == {"passed"}
    assert [step["outcome"] for step in tokens["steps"]] == ["failed"] * 3 + ["passed"]


def test_a_private_site_is_shown_with_its_key(engine: Engine) -> None:
    added = json.loads(liveinsight("site", "add", PRIVATE, "--json", "--data", engine.data))
    assert not run("demo-script", engine.url, "--timeout", "1", site=PRIVATE, code=1)["passed"]
    with_key = ("--read-key", added["read_key"])
    assert run("demo-script", engine.url, *with_key, site=PRIVATE)["passed"]
