"""A site is exported and imported into an empty folder by the commands; the import is killed."""

import json
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ingest.stream.opener import event_sink
from liveinsight.engine.processes import counted
from liveinsight.traffic.sample_history import sample_history
from runtime.settings import EmbeddedSettings
from runtime.sites.opener import sites
from runtime.sites.site import Site
from tests.pipeline.engine import liveinsight, start

pytestmark = pytest.mark.pipeline

SITE = "demo.example"
ZONE = "America/New_York"


def rollups(data: Path, out: Path) -> list[str]:
    """Every row of every day but the ledger's: repeats and refusals are not exported."""
    liveinsight(
        *("export", "--data", data, "--site", SITE, "--rollups"),
        *("--format", "ndjson", "--out", out),
    )
    return [line for line in out.read_text().splitlines() if '"intake"' not in line]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    settings = EmbeddedSettings(tmp_path / "source")
    site = Site(site_id=SITE, timezone=ZONE)
    sites(settings).add(site)
    sink = event_sink(settings)
    for chunk in sample_history(site, 3, 150, datetime.now(UTC), Random(1)):
        sink.put(chunk)
    with counted(settings, lambda _: None, lambda *_: None):
        pass
    return settings.data


@pytest.mark.parametrize("format_", ["parquet", "csv"])
def test_a_killed_import_of_an_export_ends_with_the_same_answers(
    tmp_path: Path, source: Path, format_: str
) -> None:
    path, target = tmp_path / f"events.{format_}", tmp_path / "target"
    words = ("export", "--data", source, "--site", SITE, "--format", format_, "--out", path)
    exported: dict[str, Any] = json.loads(liveinsight(*words, "--json"))
    assert exported["events"] > 1000
    assert "exists already" in liveinsight(*words, code=2)

    liveinsight("site", "add", SITE, "--data", target, "--timezone", ZONE)
    importing = ("import", "export", path, "--site", SITE, "--data", target, "--json")
    killed = start(*importing)
    while not (target / "tables.sqlite").exists() and killed.poll() is None:
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    report: dict[str, Any] = json.loads(liveinsight(*importing))
    assert report["imported"] + report["already_imported"] == exported["events"]
    again: dict[str, Any] = json.loads(liveinsight(*importing))
    assert (again["imported"], again["already_imported"]) == (0, exported["events"])

    before = rollups(source, tmp_path / "before.ndjson")
    assert rollups(target, tmp_path / "after.ndjson") == before
    assert len(before) > 300
    verdict = json.loads(liveinsight("reconcile", "--site", SITE, "--data", target, "--json"))
    assert verdict["balanced"]
