"""A rebuild while visitors come, and while any process may be killed."""

import json
import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from liveinsight.engine.consumer import backlog
from runtime.settings import EmbeddedSettings
from tests.pipeline.engine import (
    Engine,
    eventually,
    liveinsight,
    running,
    start,
    stats,
    without_times,
)

pytestmark = pytest.mark.pipeline

SITE = "rebuilt.example"
EVENTS = int(os.environ.get("REBUILD_EVENTS", "600"))
KILL_EVERY = float(os.environ.get("REBUILD_KILL_EVERY", "1.2"))


def is_counted(data: Path) -> bool:
    return sum(backlog(EmbeddedSettings(data)).values()) == 0


def reconciled(data: Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(
        liveinsight("reconcile", "--site", SITE, "--data", data, "--json")
    )
    return answer


def send(engine: Engine, events: int, seed: int) -> "subprocess.Popen[str]":
    return start(
        *("simulate", "--url", engine.url, "--site", SITE, "--events", events, "--json"),
        *("--batch-size", 10, "--concurrency", 4, "--seed", seed),
    )


def sent(sender: "subprocess.Popen[str]") -> int:
    out, errors = sender.communicate()
    assert sender.returncode == 0, errors
    return int(json.loads(out)["accepted"])


def test_a_rebuild_under_traffic_changes_no_number(tmp_path: Path) -> None:
    liveinsight("site", "add", SITE, "--data", tmp_path, "--public")
    with running(tmp_path) as engine:
        accepted = sent(send(engine, EVENTS // 3, 1))
        eventually(lambda: is_counted(tmp_path), within=60)
        sender = send(engine, EVENTS // 3, 2)
        (report,) = json.loads(liveinsight("rebuild", "--all", "--data", tmp_path, "--json"))[
            "sites"
        ]
        accepted += sent(sender)
        assert report["counts"]
        assert report["generation"] == 2
        assert report["differences"] == []
        eventually(lambda: is_counted(tmp_path), within=60)
        before = stats(SITE, tmp_path)
        assert before["totals"]["pageviews"] + before["totals"]["events"] <= accepted
        eventually(lambda: reconciled(tmp_path)["balanced"], within=30)
        assert reconciled(tmp_path)["counted"] == accepted
        liveinsight("rebuild", "--site", SITE, "--data", tmp_path)
        assert without_times(stats(SITE, tmp_path)) == without_times(before)
        liveinsight("rebuild", "--site", SITE, "--roll-back", "--data", tmp_path)
        accepted += sent(send(engine, EVENTS // 3, 3))
        eventually(lambda: is_counted(tmp_path), within=60)
        eventually(lambda: reconciled(tmp_path)["balanced"], within=30)
        assert reconciled(tmp_path)["counted"] == accepted


def test_a_rebuild_survives_the_death_of_any_process(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")  # noqa: T201 - to run it again
    rng = random.Random(seed)
    liveinsight("site", "add", SITE, "--data", tmp_path, "--public")
    with running(tmp_path) as engine:
        accepted = sent(send(engine, EVENTS, 4))
        eventually(lambda: is_counted(tmp_path), within=60)
        before = without_times(stats(SITE, tmp_path))
        kills, ended, runs = 0, False, 0
        while not ended:
            runs += 1
            run = start("rebuild", "--all", "--data", tmp_path, "--json", "--yes")
            dies_at = time.monotonic() + rng.uniform(0.3, KILL_EVERY) * (1 + runs / 8)
            while run.poll() is None and time.monotonic() < dies_at:
                time.sleep(0.02)
            if run.poll() is None:
                victims = [run.pid, *children(run.pid), engine.consumer_pid()]
                with suppress(ProcessLookupError):
                    os.kill(rng.choice(victims), signal.SIGKILL)
                    kills += 1
            out, errors = run.communicate(timeout=90)
            ended = run.returncode == 0 and kills > 1
            assert run.returncode in {0, 1, -signal.SIGKILL}, errors
        assert json.loads(out)["sites"][0]["counts"]
        eventually(lambda: is_counted(tmp_path), within=60)
        assert without_times(stats(SITE, tmp_path)) == before
        accepted += sent(send(engine, 300, 5))
        eventually(lambda: is_counted(tmp_path), within=60)
        eventually(lambda: reconciled(tmp_path)["balanced"], within=30)
        assert reconciled(tmp_path)["counted"] == accepted


def children(parent: int) -> list[int]:
    found = subprocess.run(
        ["ps", "--ppid", str(parent), "-o", "pid="], capture_output=True, text=True, check=False
    )
    return [int(line) for line in found.stdout.split()]
