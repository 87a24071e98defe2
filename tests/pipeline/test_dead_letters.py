"""The bad path from end to end: kept once, the rest counted; after a fix redriven, counted once."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ingest.stream.sink import SinkRecord
from ingest.stream.sqlite import SqliteEventLog
from processors.archive.store import ObjectArchiveStore
from runtime.objects.folder import FolderObjects
from schemas.event import Context, Event, EventBatch, EventType, encode_batch
from tests.pipeline.engine import eventually, liveinsight, running, stats

pytestmark = pytest.mark.pipeline

KNOWN, LATE = "known.example", "late.example"
UNDECODABLE = [
    b"",
    b'{"event": "page_view"}',
    b"\xf3\x89\x9a\xc2 a KPL aggregate",
    b"\xc3\x01unknown!",
    bytes(1024 * 1024),
]


def view(site_id: str) -> SinkRecord:
    now = int(datetime.now(UTC).timestamp() * 1000)
    event = Event(uuid4().bytes, EventType.PAGE_VIEW, now, "session-a", site_id, "/")
    batch = EventBatch(site_id, b"visitor1", now, Context(), (event,))
    return SinkRecord(f"{site_id}/0", encode_batch(batch))


def test_poison_is_kept_once_and_counted_once_after_a_fix(tmp_path: Path) -> None:
    def run(*arguments: str) -> Any:
        return json.loads(liveinsight("dead-letters", *arguments, "--data", tmp_path, "--json"))

    liveinsight("site", "add", KNOWN, "--data", tmp_path)
    log = SqliteEventLog(tmp_path / "stream.sqlite", lambda: datetime.now(UTC))
    truncated = view(KNOWN).data[:-3]
    poison = [SinkRecord(f"{KNOWN}/0", data) for data in (*UNDECODABLE, truncated)]
    log.put([view(KNOWN), *poison, view(LATE), view(KNOWN)])
    assert run("redrive") == {"redriven": 0, "redriven_before": 0, "still_poison": 0}
    assert stats(KNOWN, tmp_path)["totals"]["pageviews"] == 2

    letters = run("list")["dead_letters"]
    assert len(letters) == len(poison) + 1
    (late,) = [one for one in letters if one["reason"] == f"unknown site {LATE!r}"]
    shown = json.loads(liveinsight("dead-letters", "show", late["name"], "--data", tmp_path))
    assert shown == late

    liveinsight("site", "add", LATE, "--data", tmp_path)
    assert run("redrive") == {"redriven": 1, "redriven_before": 0, "still_poison": len(poison)}
    assert run("redrive") == {"redriven": 0, "redriven_before": 1, "still_poison": len(poison)}
    assert stats(LATE, tmp_path)["totals"]["pageviews"] == 1
    assert len(run("list")["dead_letters"]) == len(letters)


def test_a_malformed_hit_is_kept_and_counted_once_after_a_redrive(tmp_path: Path) -> None:
    def run(*arguments: str) -> Any:
        options = ("--malformed", "--data", tmp_path, "--json")
        return json.loads(liveinsight("dead-letters", *arguments, *options))

    liveinsight("site", "add", KNOWN, "--public", "--data", tmp_path)
    hit = {"event_type": "page_view", "page_url": f"https://{KNOWN}/?q=SECRET", "title": "A"}
    with running(tmp_path) as engine:
        token = engine.token(KNOWN, "session-1")
        credentials = {"csrf_token": token, "session_id": "session-1"}
        answer = engine.post("/api/events", {**credentials, "events": [hit, {**hit, "name": 5}]})
        assert answer.document()["accepted"] == 1
        # A content type that is not taken today: good hits, in a request that is refused.
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        assert engine.post("/api/events", {**credentials, **hit}, headers).status == 415
        eventually(lambda: len(run("list")["dead_letters"]) == 2, within=15)
    archive = ObjectArchiveStore(FolderObjects(tmp_path / "archive"))
    archived = [record.data for shard in archive.shards() for record in archive.records(shard)]
    assert len(archived) == 2
    assert b"SECRET" not in b"".join(archived)
    assert run("redrive") == {"redriven": 1, "redriven_before": 0, "still_poison": 1}
    assert run("redrive") == {"redriven": 0, "redriven_before": 1, "still_poison": 1}
    assert stats(KNOWN, tmp_path)["totals"]["pageviews"] == 2
    account = json.loads(liveinsight("reconcile", "--site", KNOWN, "--data", tmp_path, "--json"))
    assert (account["state"], account["received"], account["counted"]) == ("balanced", 4, 2)
    assert account["rejected"] == {"invalid_field": 1, "unsupported_media_type": 1}
