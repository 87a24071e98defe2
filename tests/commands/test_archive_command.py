"""`liveinsight archive`, on the embedded engine's data."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from liveinsight.cli import cli
from processors.archive.container import BEGINNING, ArchivedRecord
from processors.archive.store import ObjectArchiveStore
from runtime.objects.folder import FolderObjects
from runtime.settings import EmbeddedSettings
from runtime.sites.site import Site
from runtime.sites.sqlite import SqliteSiteStore

Command = Callable[..., Result]
FIRST = ArchivedRecord("shardId-0", 1, "k", 1_700_000_000_000, b"-")


@pytest.fixture
def archive(tmp_path: Path) -> Command:
    """Runs a command on an archive of a day with 100 files, and one of the next day."""
    settings = EmbeddedSettings(tmp_path)
    SqliteSiteStore(settings.sites_path).add(Site(site_id="my.site"))
    store, tail = ObjectArchiveStore(FolderObjects(settings.data / "archive")), BEGINNING
    for number in range(1, 102):
        day_later = 86_400_000 if number > 100 else 0
        arrived_at = FIRST.arrived_at + day_later
        record = replace(FIRST, sequence_number=number, arrived_at=arrived_at)
        tail = store.append(FIRST.shard, tail, [record])
    return lambda *words: CliRunner().invoke(cli, ["archive", *words, "--data", str(tmp_path)])


def printed(result: Result) -> Any:
    return json.loads(result.stdout)


def test_compact_says_what_it_did(archive: Command) -> None:
    first, second = archive("compact", "--json"), archive("compact")
    assert printed(first) == {"objects_compacted": 100, "objects_pruned": 0}
    assert second.stdout == "0 files merged, 0 deleted that were merged before\n"


def test_verify_says_that_an_archive_is_whole(archive: Command) -> None:
    archive("compact")
    result = archive("verify", "--json")
    assert result.exit_code == 0
    (shard,) = printed(result)["shards"]
    assert (shard["records"], shard["compacted_objects"], shard["small_objects"]) == (101, 1, 1)
    assert archive("verify").stdout.startswith("shardId-0  101 records in 1 compacted and 1 small")


def test_verify_ends_with_1_where_something_is_missing(archive: Command, tmp_path: Path) -> None:
    sorted((tmp_path / "archive" / "records" / FIRST.shard).iterdir())[50].unlink()
    result = archive("verify")
    assert result.exit_code == 1
    assert result.stdout.startswith("shardId-0  BROKEN: ")
    assert printed(archive("verify", "--json"))["shards"][0]["problem"]
