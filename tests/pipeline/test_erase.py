"""Erasing while visitors come: nothing is left of what goes, and nothing else changes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from liveinsight.engine.consumer import backlog
from runtime.settings import EmbeddedSettings
from tests.erasure.world import traces
from tests.pipeline.engine import Engine, eventually, liveinsight, running, start, stats

if TYPE_CHECKING:
    import subprocess

pytestmark = pytest.mark.pipeline

SITE, OTHER = "the-site-that-goes.example", "other.example"
EVENTS = 250


def send(engine: Engine, site: str, seed: int) -> "subprocess.Popen[str]":
    return start(
        *("simulate", "--url", engine.url, "--site", site, "--events", EVENTS, "--json"),
        *("--batch-size", 10, "--concurrency", 4, "--seed", seed),
    )


def accepted(*senders: "subprocess.Popen[str]") -> list[int]:
    ended = [sender.communicate() for sender in senders]
    assert all(sender.returncode == 0 for sender in senders), ended
    return [int(json.loads(out)["accepted"]) for out, _ in ended]


def is_counted(data: Path) -> bool:
    return sum(backlog(EmbeddedSettings(data)).values()) == 0


def command(*arguments: object) -> Any:
    return json.loads(liveinsight(*arguments, "--json"))


def events_by_visitor(data: Path, tmp_path: Path, name: str) -> dict[str, int]:
    out = tmp_path / name
    command("export", "--site", SITE, "--format", "ndjson", "--out", out, "--data", data)
    ids = [json.loads(line)["visitor_id"] for line in out.read_text().splitlines()]
    return {one: ids.count(one) for one in ids}


def test_a_visitor_and_then_a_site_go_while_others_come(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for site in (SITE, OTHER):
        liveinsight("site", "add", site, "--data", data, "--public")
    with running(data) as engine:
        ours, others = accepted(send(engine, SITE, 1), send(engine, OTHER, 2))
        eventually(lambda: is_counted(data), within=60)
        known = events_by_visitor(data, tmp_path, "before.ndjson")
        visitor = max(known, key=lambda one: known[one])
        named = [bytes.fromhex(visitor), visitor.encode(), visitor.upper().encode()]
        assert traces(data, named) != []

        senders = send(engine, SITE, 3), send(engine, OTHER, 4)
        erase = ("erase", "--site", SITE, "--visitor", visitor, "--yes", "--data", data)
        receipt = command(*erase)
        more = accepted(*senders)
        ours, others = ours + more[0] - known[visitor], others + more[1]
        assert receipt["erased"]["archived_events"] == known[visitor]
        assert receipt["recounted"]
        eventually(lambda: is_counted(data), within=60)
        eventually(lambda: is_balanced(data, SITE, ours), within=30)
        assert traces(data, named) == []
        assert visitor not in events_by_visitor(data, tmp_path, "after.ndjson")
        rebuilt = command("rebuild", "--all", "--dry-run", "--data", data)["sites"]
        assert [one["differences"] for one in rebuilt] == [[], []]
        assert not any(command(*erase)["erased"].values())

        liveinsight("rebuild", "--all", "--abandon", "--data", data)
        before, sender = stats(OTHER, data), send(engine, OTHER, 5)
        gone = ("erase", "--site", SITE, "--site-all", "--yes", "--data", data)
        receipt = command(*gone)
        others += accepted(sender)[0]
        assert receipt["erased"]["sites"] == 1
        eventually(lambda: is_counted(data), within=60)
        eventually(lambda: is_balanced(data, OTHER, others), within=30)
        assert traces(data, [SITE.encode()]) == []
        assert stats(OTHER, data)["totals"]["pageviews"] >= before["totals"]["pageviews"]
        assert not any(command(*gone)["erased"].values())
    assert traces(data, [SITE.encode(), *named]) == []
    assert "BROKEN" not in liveinsight("archive", "verify", "--data", data)


def is_balanced(data: Path, site: str, events: int) -> bool:
    ledger = command("reconcile", "--site", site, "--data", data)
    return bool(ledger["balanced"]) and ledger["counted"] == events
