"""What `python -m infra.verify --end-to-end` measures with: it must see a difference of one event.

The run itself needs Terraform and minutes, and is a step of its own.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.verify.ministack import Ministack
from infra.verify.traffic import EVENTS, PAGES, REQUESTS, SENT_AGAIN, TOTALS, VISITORS, Traffic
from liveinsight.caller import Caller
from tests.pipeline.engine import eventually, liveinsight, running

SITE = "burst.example"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data = tmp_path_factory.mktemp("data")
    liveinsight("site", "add", SITE, "--public", "--data", data)
    with running(data) as engine:
        yield engine.url


@pytest.mark.pipeline
def test_the_embedded_engine_gives_what_the_deployed_pipeline_must_give_and_one_more_event_shows(
    url: str,
) -> None:
    traffic = Traffic(url, SITE, read_key="")
    assert traffic.send() == VISITORS * (REQUESTS + SENT_AGAIN)
    traffic.wait()
    assert traffic.differences() == []

    _send_one_more(url)

    difference = f"totals: visitors is {VISITORS + 1}, and {VISITORS} was sent"
    eventually(lambda: difference in traffic.differences(), within=30)


def test_what_is_sent_adds_up() -> None:
    assert TOTALS["pageviews"] + TOTALS["events"] == EVENTS == 300
    assert TOTALS["pageviews"] == VISITORS * REQUESTS * len(PAGES)


def test_an_api_is_found_on_the_emulator_by_its_address_on_aws() -> None:
    running_emulator = Ministack("http://127.0.0.1:4566", Path("log"), {})
    on_aws = "https://0a1b2c3d.execute-api.eu-central-1.amazonaws.com/live"

    found = running_emulator.address_of(on_aws)

    assert found == "http://127.0.0.1:4566/_aws/execute-api/0a1b2c3d/live"


def _send_one_more(url: str) -> None:
    caller = Caller(url, SITE)
    session = "session-of-one-more"
    event = {"event_type": "page_view", "page_url": f"https://{SITE}/"}
    receipt = caller.send(session, caller.ask_token(session).token(), [event]).document()
    assert receipt["accepted"] == 1
