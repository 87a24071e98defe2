"""The process that writes columns goes on, whatever it meets."""

import logging
from pathlib import Path
from threading import Event, Thread

import pytest

from liveinsight.engine.columns import write_columns
from processors.archive.container import ArchivedRecord
from processors.archive.store import ObjectArchiveStore
from query.opener import library
from runtime.objects.opener import objects
from runtime.settings import EmbeddedSettings
from runtime.sites.opener import sites
from runtime.sites.site import Site
from schemas.event import encode_batch
from tests.query.busy import Busy
from tests.query.shelf import SITE


def test_it_writes_at_once_and_ends_when_told(tmp_path: Path) -> None:
    settings, stop = EmbeddedSettings(tmp_path), Event()
    sites(settings).add(Site(site_id=SITE))
    batches = enumerate(Busy(1, records=10).batches, 1)
    ObjectArchiveStore(objects(settings, "archive")).append(
        "s", 0, [ArchivedRecord("s", n, f"{SITE}/0", n, encode_batch(one)) for n, one in batches]
    )
    thread = Thread(target=write_columns, args=(settings, stop))
    thread.start()
    for _ in range(600):
        if library(settings).sites() or not thread.is_alive():
            break
        stop.wait(0.05)
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    assert library(settings).sites() == [SITE]


def test_a_disk_that_refuses_is_said_and_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings, stop = EmbeddedSettings(tmp_path), Event()
    sites(settings).add(Site(site_id=SITE))
    settings.scratch_path.write_bytes(b"a file where a folder must be")
    stop.set()
    with caplog.at_level(logging.WARNING):
        write_columns(settings, stop)
    assert "the columns of events are not written" in caplog.text
