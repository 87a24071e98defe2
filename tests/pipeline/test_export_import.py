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


UMAMI = "website_id,session_id,visit_id,event_id,url_path,event_type,event_name,created_at"


def test_an_export_of_umami_is_counted_proved_and_counted_anew(tmp_path: Path) -> None:
    data, path = tmp_path / "data", tmp_path / "website_event.csv"
    rows = [
        f"w,s{n},v{n},00000000-0000-4000-8000-{n * 2 + kind:012},/p,{kind + 1},{name},{at}"
        for n in range(40)
        for kind, name in enumerate(("", "signup"))
        for at in (f"2026-03-0{1 + n % 2} 12:{n:02}:00",)
    ]
    rows.append("w,s,v,00000000-0000-4000-8000-999999999999,/p,5,,2026-03-01 12:00:00")
    path.write_text("\n".join((UMAMI, *rows)) + "\n")
    liveinsight("site", "add", SITE, "--data", data)
    importing = ("import", "umami", path, "--site", SITE, "--data", data)
    shown = liveinsight(*importing)
    assert "80 events imported, 0 imported before: 2 days" in shown
    assert "1 row left out: no page view or event" in shown
    again: dict[str, Any] = json.loads(liveinsight(*importing, "--json"))
    assert (again["imported"], again["already_imported"]) == (0, 80)
    assert again["days"] == {"2026-03-01": 40, "2026-03-02": 40}

    asked = ("stats", SITE, "--data", data, "--json", "--from", "2026-03-01", "--to", "2026-03-02")
    answer: dict[str, Any] = json.loads(liveinsight(*asked))
    totals = answer["totals"]
    assert (totals["visitors"], totals["pageviews"], totals["events"]) == (40, 40, 40)
    proof = ("reconcile", "--site", SITE, "--data", data, "--json")
    assert json.loads(liveinsight(*proof, "--from", "2026-03-01", "--to", "2026-03-02"))["balanced"]
    before = rollups(data, tmp_path / "before.ndjson")
    liveinsight("rebuild", "--site", SITE, "--data", data, "--yes")
    assert rollups(data, tmp_path / "after.ndjson") == before

    sums = tmp_path / "pages.csv"
    sums.write_text("path,views\n/p,40\n")
    refused = liveinsight("import", "umami", sums, *importing[3:], code=2)
    assert "pages.csv is no website_event of Umami's: it has no column 'website_id'" in refused
    assert refused.count("\n") == 1
