"""`liveinsight up`: events over real HTTP, from the collector to the answers."""

import gzip
import json
import logging
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import urllib3

from liveinsight.traffic.demo import HISTORY_DAYS
from processors.archive.store import ObjectArchiveStore
from runtime.objects.folder import FolderObjects
from schemas.event import decode_batch
from tests.pipeline.engine import (
    ROOT,
    Engine,
    eventually,
    is_running,
    liveinsight,
    running,
    start,
    stats,
)

pytestmark = pytest.mark.pipeline

SITE = "demo.example"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    data = tmp_path_factory.mktemp("up")
    liveinsight("site", "add", SITE, "--public", "--data", data)
    with running(data) as engine:
        yield engine


def add_site(engine: Engine) -> str:
    """A site of this test's own."""
    site_id = f"{uuid4().hex[:12]}.example"
    liveinsight("site", "add", site_id, "--public", "--data", engine.data)
    return site_id


def view(site_id: str, **changes: Any) -> dict[str, Any]:
    return {"event_type": "page_view", "page_url": f"https://{site_id}/", **changes}


def send(engine: Engine, site_id: str, events: list[dict[str, Any]]) -> dict[str, Any]:
    session = uuid4().hex
    body = {
        "csrf_token": engine.token(site_id, session),
        "session_id": session,
        "events": events,
    }
    answer = engine.post("/api/events", body)
    assert answer.status == 200, answer.content
    result: dict[str, Any] = answer.document()
    return result


def starting(folder: Path, port: int) -> tuple[subprocess.Popen[str], int]:
    """An engine once its consumer runs, and the consumer's process id."""
    liveinsight("site", "add", SITE, "--data", folder)
    process = start("up", "--data", folder, "--port", port)
    assert process.stdout is not None
    process.stdout.readline()
    lock = folder / "consumer.lock"
    eventually(lambda: lock.exists() and bool(lock.read_text()), within=10)
    return process, int(lock.read_text())


def readme_commands() -> str:
    """The shell lines of the README that post an event."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (block,) = [block for block in blocks if "/api/events" in block]
    return str(block)


def test_an_event_posted_as_the_readme_says_is_live_in_3_and_counted_in_15_seconds(
    engine: Engine,
) -> None:
    script = readme_commands().replace("http://127.0.0.1:8000", engine.url)
    before = engine.get("/api/stats", site_id=SITE)["totals"]["pageviews"]
    done = subprocess.run(
        ["sh", "-eu", "-c", script], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    assert '{"accepted": 1, "duplicates": 0, "rejected": []}' in done.stdout
    live = eventually(
        lambda: engine.get("/api/realtime", site_id=SITE)["current_visitors"] > 0, within=3
    )
    counted = eventually(
        lambda: engine.get("/api/stats", site_id=SITE)["totals"]["pageviews"] == before + 1,
        within=15,
    )
    logging.getLogger(__name__).warning("live %.2f s, counted %.2f s", live, counted)


def test_one_bad_event_of_50_gets_a_verdict_and_49_are_counted(engine: Engine) -> None:
    site_id = add_site(engine)
    events = [view(site_id, page_url=f"https://{site_id}/{n}") for n in range(50)]
    events[17]["timestamp"] = 12
    assert send(engine, site_id, events) == {
        "accepted": 49,
        "duplicates": 0,
        "rejected": [{"index": 17, "code": "timestamp_out_of_range", "field": "timestamp"}],
    }
    eventually(
        lambda: engine.get("/api/stats", site_id=site_id)["totals"]["pageviews"] == 49, within=15
    )


def test_simulated_events_accepted_archived_and_counted_are_the_same(engine: Engine) -> None:
    site_id = add_site(engine)
    arguments = ("--url", engine.url, "--site", site_id, "--events", 1500, "--json")
    report = json.loads(liveinsight("simulate", *arguments))
    assert (report["sent"], report["accepted"], report["failed"]) == (1500, 1500, 0)

    def archived() -> list[str]:
        store = ObjectArchiveStore(FolderObjects(engine.data / "archive"))
        batches = [decode_batch(one.data) for s in store.shards() for one in store.records(s)]
        return [e.event_type for b in batches if b.site_id == site_id for e in b.events]

    eventually(lambda: len(archived()) == 1500, within=30)
    kinds = archived()

    def counted() -> bool:
        totals = engine.get("/api/stats", site_id=site_id)["totals"]
        return bool(
            totals["pageviews"] == kinds.count("page_view")
            and totals["events"] == kinds.count("custom")
        )

    eventually(counted, within=30)


def test_a_killed_collector_or_consumer_comes_back(engine: Engine) -> None:
    site_id = add_site(engine)
    consumer = engine.consumer_pid()
    os.kill(consumer, signal.SIGKILL)
    assert send(engine, site_id, [view(site_id)])["accepted"] == 1
    eventually(
        lambda: engine.get("/api/stats", site_id=site_id)["totals"]["pageviews"] == 1, within=20
    )
    assert engine.consumer_pid() != consumer


def test_the_dashboard_and_the_tracker_are_served(engine: Engine) -> None:
    assert {"site_id": SITE} in engine.get("/config.json")["sites"]
    for path in ("/nowhere", "/api/nowhere"):
        shown = urllib3.request("GET", engine.url + path, headers={"Accept": "text/html"})
        assert shown.status == 404
        assert b"There is nothing at this address" in shown.data
    page = engine.post("/api/none", {})
    assert page.status == 404
    assert page.document()["code"] == "not_found"


def test_answers_are_compressed_and_not_sent_again(engine: Engine) -> None:
    url, takes = f"{engine.url}/api/stats?site_id={SITE}", {"Accept-Encoding": "gzip"}
    answer = urllib3.request("GET", url, headers=takes, decode_content=False)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert json.loads(gzip.decompress(answer.data))["site_id"] == SITE
    plain = urllib3.request("GET", url)
    assert "Content-Encoding" not in plain.headers
    assert len(answer.data) < len(plain.data)
    known = {**takes, "If-None-Match": answer.headers["ETag"]}
    assert urllib3.request("GET", url, headers=known).status == 304


def test_what_was_counted_is_there_at_the_next_start(tmp_path: Path) -> None:
    liveinsight("site", "add", SITE, "--public", "--data", tmp_path)
    with running(tmp_path) as first:
        send(first, SITE, [view(SITE)])
        pid = first.consumer_pid()
    assert not is_running(pid)
    with running(tmp_path) as second:
        eventually(
            lambda: second.get("/api/stats", site_id=SITE)["totals"]["pageviews"] == 1, within=15
        )
    assert stats(SITE, tmp_path)["totals"]["visitors"] == 1


def test_a_service_managers_sigterm_ends_both_processes_cleanly(tmp_path: Path) -> None:
    process, consumer = starting(tmp_path, port=18_232)
    process.terminate()
    out, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    assert "Stopped" in out
    assert not is_running(consumer)


def test_the_demo_is_live_while_its_history_is_still_being_added(tmp_path: Path) -> None:
    process = start("demo", "--data", tmp_path, "--port", 18_233)
    assert process.stdout is not None
    assert "The dashboard is on" in process.stdout.readline()
    demo = Engine("http://127.0.0.1:18233", tmp_path, process)
    eventually(lambda: demo.get("/api/realtime", site_id=SITE)["current_visitors"] > 0, within=30)
    eventually(lambda: demo.get("/api/stats", site_id=SITE)["totals"]["visits"] > 0, within=30)
    progress = tmp_path / "demo-history.json"  # there once the first day is written
    assert not progress.exists() or json.loads(progress.read_text())["days"] < HISTORY_DAYS
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    assert "Stopped" in out


def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    process, consumer = starting(tmp_path, port=18_231)
    process.kill()
    process.communicate()
    eventually(lambda: not is_running(consumer), within=10)


def test_a_port_in_use_is_one_line_and_exit_code_2(engine: Engine) -> None:
    port = engine.url.rpartition(":")[2]
    error = liveinsight("up", "--data", engine.data, "--port", port, code=2)
    assert error.count("\n") == 1
    assert "--port" in error
