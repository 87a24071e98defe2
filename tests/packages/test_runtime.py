"""The zip in AWS's runtime interface client, with moto's server in place of AWS."""

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.packages.functions import FUNCTIONS
from processors.archive.store import ObjectArchiveStore
from runtime.sites.site import Site
from tests.aws import ENVIRON, Aws
from tests.functions_on_aws import on_the_stream
from tests.ingest.http_caller import POST
from tests.packages.runtime_api import Container, InvocationError

Start = Callable[..., Container]

SITE = "shop.example"
DONE: dict[str, list[object]] = {"batchItemFailures": []}
ROUND_TRIPS = 200


@pytest.fixture
def variables(aws: Aws) -> Iterator[dict[str, str]]:
    """The variables of a function in an account with one site; moto's server is its AWS."""
    try:
        from moto.server import ThreadedMotoServer  # noqa: PLC0415 - needs flask
    except ImportError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"moto has no server here: {error}")
    aws.sites().add(Site(site_id=SITE, public=True))
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield {**ENVIRON, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    server.stop()


def request(
    method: str, path: str, body: object = None, query: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A REST proxy event."""
    event: dict[str, Any] = deepcopy(POST)
    event.update(httpMethod=method, path=path, queryStringParameters=dict(query or {}))
    event["body"] = body if isinstance(body, str) else json.dumps(body)
    return event


def answer(container: Container, event: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and document of an answer."""
    response = container.invoke(event)
    return response["statusCode"], json.loads(response["body"])


def send(collector: Container, session: str, *paths: str) -> tuple[int, dict[str, Any]]:
    """Get a token and post page views with it."""
    asked = {"session_id": session, "site_id": SITE}
    status, issued = answer(collector, request("POST", "/api/csrf-token", asked))
    assert status == 200
    hits = [{"event_type": "page_view", "page_url": f"https://{SITE}{path}"} for path in paths]
    body = {"events": hits, **issued, "session_id": session}
    return answer(collector, request("POST", "/api/events", body))


def test_the_collector_answers_what_needs_no_service(start: Start) -> None:
    with start("event-collector") as collector:
        preflight = collector.invoke(request("OPTIONS", "/api/events"))
        assert (preflight["statusCode"], preflight["body"]) == (204, "")
        status, missing = answer(collector, request("POST", "/api/nothing"))
        assert (status, missing["code"]) == (404, "not_found")


def test_a_function_without_its_settings_answers_that_its_owner_has_to_mend_it(
    start: Start,
) -> None:
    with start("stats-api") as stats:
        status, problem = answer(stats, request("GET", "/api/stats", query={"site_id": SITE}))
    assert (status, problem["code"]) == (503, "store_unusable")


def test_a_consumer_without_its_settings_fails_and_says_which(start: Start) -> None:
    with (
        start("stats") as stats,
        pytest.raises(InvocationError, match="SITES_TABLE is not set"),
    ):
        stats.invoke({"Records": []})


def test_an_event_goes_from_the_collector_s_zip_to_the_read_apis_zips(
    start: Start, variables: dict[str, str], aws: Aws
) -> None:
    with start("event-collector", **variables) as collector:
        status, refused = answer(collector, request("POST", "/api/events", "{no json"))
        assert (status, refused["code"]) == (400, "invalid_json")
        everything = {"accepted": 2, "duplicates": 0, "rejected": []}
        assert send(collector, "session-1", "/", "/pricing") == (200, everything)
    (batch,) = on_the_stream(aws)
    for name in ("archive", "realtime", "stats"):
        with start(name, **variables) as consumer:
            assert [consumer.invoke(batch), consumer.invoke(batch)] == [DONE, DONE]
    archive = ObjectArchiveStore(aws.bucket("archive"))
    assert sum(len(list(archive.records(shard))) for shard in archive.shards()) == 1
    today = datetime.now(UTC).date().isoformat()
    query = {"site_id": SITE, "from": today, "to": today}
    with start("stats-api", **variables) as stats:
        status, numbers = answer(stats, request("GET", "/api/stats", query=query))
        assert (status, numbers["totals"]["pageviews"]) == (200, 2)
    with start("realtime-api", **variables) as realtime:
        status, live = answer(realtime, request("GET", "/api/realtime", query={"site_id": SITE}))
        assert (status, live["current_visitors"]) == (200, 1)
    with start("reconciliation-api", **variables) as reconciliation:
        status, _ = answer(reconciliation, request("GET", "/api/reconciliation", query=query))
        assert status == 200
    with start("query-api", **variables) as questions:
        status, numbers = answer(questions, request("GET", "/api/query", query=query))
        assert (status, numbers["totals"]["pageviews"]) == (200, 2)
    with start("rebuild-api", **variables) as rebuild:
        status, refused = answer(rebuild, request("GET", "/api/rebuild", query={"site_id": SITE}))
        assert (status, refused["code"]) == (401, "admin_key_required")


@pytest.mark.parametrize("name", ["spill-drain", "archive-compactor", "sealer"])
def test_a_scheduled_function_finds_nothing_to_do(
    name: str, start: Start, variables: dict[str, str]
) -> None:
    with start(name, **variables) as scheduled:
        scheduled.invoke({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}})


def test_every_function_runs_here() -> None:
    """The tests above are all of them."""
    assert {function.name for function in FUNCTIONS} == {
        *("event-collector", "spill-drain", "archive", "realtime", "stats", "archive-compactor"),
        *("sealer", "realtime-api", "stats-api", "query-api", "reconciliation-api", "rebuild-api"),
    }


def test_a_warm_invocation_takes_milliseconds(
    start: Start, record_property: Callable[[str, object], None]
) -> None:
    preflight = request("OPTIONS", "/api/events")
    with start("event-collector") as collector:
        collector.invoke(preflight)
        times = []
        for _ in range(ROUND_TRIPS):
            began = time.perf_counter()
            collector.invoke(preflight)
            times.append(time.perf_counter() - began)
    middle = statistics.median(times)
    record_property("warm_round_trip_ms", middle * 1000)
    assert middle < 0.1, f"{middle * 1000:.1f} ms"  # 1 to 2 ms on an idle machine
