"""`liveinsight archive`, on the embedded engine's data."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from aggregates.stores.sqlite import SqliteHeadStore, tables
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
    heads = SqliteHeadStore(tables(settings.tables_path))
    store, tail = ObjectArchiveStore(FolderObjects(settings.data / "archive"), heads), BEGINNING
    for number in range(1, 102):
        day_later = 86_400_000 if number > 100 else 0
        arrived_at = FIRST.arrived_at + day_later
        record = FIRST._replace(sequence_number=number, arrived_at=arrived_at)
        tail = store.append(FIRST.shard, tail, [record], 3)
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


def newest(folder: Path) -> Path:
    return max((folder / "archive" / "records" / FIRST.shard).iterdir())


def test_verify_says_what_a_newest_file_held_that_is_gone(archive: Command, tmp_path: Path) -> None:
    newest(tmp_path).unlink()
    result = archive("verify")
    assert result.exit_code == 1
    whole, lost = result.stdout.splitlines()
    assert whole.endswith("bytes: NOT whole")
    assert lost.startswith(f"{FIRST.shard}  LOST: from records/{FIRST.shard}/after=")
    assert lost.endswith("1 records with 3 events lost behind sequence number 100 up to 101")
    (shard,) = printed(archive("verify", "--json"))["shards"]
    assert shard["lost"] == [{"after": 100, "last": 101, "records": 1, "events": 3}]


@pytest.mark.parametrize("how", ["deleted", "empty"])
def test_reconcile_says_so_too(archive: Command, tmp_path: Path, how: str) -> None:
    words = ["reconcile", "--site", "my.site", "--data", str(tmp_path)]
    before = CliRunner().invoke(cli, words, standalone_mode=False)
    assert before.return_value == 0
    newest(tmp_path).unlink()
    if how == "empty":
        (newest(tmp_path).parent / f"after={100:064d}.avro").touch()
    result = CliRunner().invoke(cli, [*words, "--json"], standalone_mode=False)
    assert (result.return_value, printed(result)["state"]) == (1, "broken")
    first, *_ = printed(result)["broken"]
    assert first == {
        "what": "1 records with 3 events lost behind sequence number 100 up to 101",
        "where": f"archive, {FIRST.shard}",
        "day": None,
    }
    assert archive("verify").exit_code == 1
