"""A backup of a running engine under traffic, restored and started: it balances, and goes on."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from liveinsight.engine.consumer import backlog
from runtime.settings import EmbeddedSettings
from tests.pipeline.engine import eventually, liveinsight, running, start, stats

pytestmark = pytest.mark.pipeline

SITE = "demo.example"
RATE = 100


def reconciled(data: Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(
        liveinsight("reconcile", "--site", SITE, "--data", data, "--json")
    )
    return answer


def counted(data: Path) -> int:
    totals = stats(SITE, data)["totals"]
    return int(totals["pageviews"]) + int(totals["events"])


def caught_up(data: Path) -> bool:
    return sum(backlog(EmbeddedSettings(data)).values()) == 0


def test_a_backup_under_traffic_is_restored_and_goes_on(tmp_path: Path) -> None:
    data, target, there = (tmp_path / name for name in ("data", "backup", "restored"))
    liveinsight("site", "add", SITE, "--data", data, "--public")
    with running(data) as engine:
        sender = start(
            *("simulate", "--url", engine.url, "--site", SITE, "--rate", RATE, "--json"),
        )
        eventually(lambda: counted(data) > 100, within=60)
        before = stats(SITE, data)
        made = json.loads(liveinsight("backup", target, "--data", data, "--json"))
        assert sender.poll() is None, "there was traffic all the time"
        sender.send_signal(signal.SIGINT)
        out, errors = sender.communicate(timeout=60)
        assert sender.returncode == 0, errors
        eventually(lambda: caught_up(data), within=60)
        sent = json.loads(out)["accepted"]
        whole = reconciled(data)["counted"]
    assert made["files"] >= 4, "three databases and the keys; the archive may wait for its window"
    assert whole == sent

    liveinsight("restore", target, "--data", there)
    with running(there) as engine:
        eventually(lambda: caught_up(there), within=60)
        eventually(lambda: bool(reconciled(there)["balanced"]), within=60)
        answer = reconciled(there)
        assert answer["state"] == "balanced"
        assert answer["accepted"] == answer["archived"] == answer["counted"] < whole
        after = stats(SITE, there)
        for metric in ("visitors", "visits", "pageviews"):
            assert after["totals"][metric] >= before["totals"][metric] > 0
        assert json.loads(liveinsight("archive", "verify", "--data", there, "--json"))
        simulated = ("simulate", "--url", engine.url, "--site", SITE, "--seed", 2, "--json")
        more = json.loads(liveinsight(*simulated, "--events", 300))["accepted"]
        eventually(lambda: caught_up(there), within=60)
        eventually(lambda: bool(reconciled(there)["balanced"]), within=60)
        assert reconciled(there)["counted"] == answer["counted"] + more
    assert liveinsight("restore", target, "--data", there, code=2).startswith("liveinsight: ")
