"""Traffic while the consumer is killed again and again: nothing is lost, nothing counts twice, and
the ledger proves it.

ENDURANCE_EVENTS sets how many events are sent, ENDURANCE_KILL_EVERY how many seconds lie between
two kills.
"""

import json
import os
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from liveinsight.engine.consumer import backlog
from processors.archive.store import ObjectArchiveStore
from runtime.objects.folder import FolderObjects
from runtime.settings import EmbeddedSettings
from schemas.event import decode_batch
from tests.pipeline.engine import Engine, eventually, liveinsight, running, start

pytestmark = pytest.mark.pipeline

SITE = "endurance.example"
EVENTS = int(os.environ.get("ENDURANCE_EVENTS", "5000"))
KILL_EVERY = float(os.environ.get("ENDURANCE_KILL_EVERY", "1"))


def kill_while_sending(engine: Engine) -> tuple[dict[str, Any], int]:
    """Send traffic and kill the consumer; return the sender's report and the number of kills."""
    batch_size = "10" if EVENTS <= 20_000 else "50"
    sender = start(
        *("simulate", "--url", engine.url, "--site", SITE, "--events", EVENTS, "--json"),
        *("--batch-size", batch_size, "--concurrency", 8),
    )
    kills, due = 0, time.monotonic() + KILL_EVERY
    while sender.poll() is None:
        time.sleep(0.05)
        if time.monotonic() >= due:
            with suppress(ProcessLookupError, ValueError):
                os.kill(engine.consumer_pid(), signal.SIGKILL)
                kills += 1
            due = time.monotonic() + KILL_EVERY
    out, errors = sender.communicate()
    assert sender.returncode == 0, errors
    report: dict[str, Any] = json.loads(out)
    return report, kills


def reconciled(data: Path) -> dict[str, Any]:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    answer: dict[str, Any] = json.loads(
        liveinsight("reconcile", "--site", SITE, "--data", data, "--from", yesterday, "--json")
    )
    return answer


def test_accepted_archived_and_counted_are_one_number_whatever_dies(tmp_path: Path) -> None:
    liveinsight("site", "add", SITE, "--data", tmp_path, "--public")
    began = time.monotonic()
    with running(tmp_path) as engine:
        report, kills = kill_while_sending(engine)
        sent = time.monotonic()
        patience = 120 + EVENTS / 1000
        eventually(lambda: sum(backlog(EmbeddedSettings(tmp_path)).values()) == 0, within=patience)
        counted = time.monotonic()
        eventually(lambda: reconciled(tmp_path)["balanced"], within=30)
        served = engine.get("/api/reconciliation", site_id=SITE)
    assert served["state"] == "balanced"
    answer = reconciled(tmp_path)
    accepted = report["accepted"]
    assert kills > 0
    assert accepted == EVENTS - report["rejected"]
    assert answer["received"] == EVENTS + answer["duplicates"]
    assert answer["accepted"] == answer["archived"] == answer["counted"] == accepted

    store = ObjectArchiveStore(FolderObjects(tmp_path / "archive"))
    ids = [
        event.event_id
        for shard in store.shards()
        for record in store.records(shard)
        for event in decode_batch(record.data).events
    ]
    assert len(set(ids)) == accepted
    print(  # noqa: T201 - the figures of a long run
        f"{EVENTS:,} events in {sent - began:.0f} s, all counted {counted - sent:.1f} s later; the"
        f" consumer was killed {kills} times; accepted = archived = counted = {accepted:,}"
    )
