"""A backup that was made while all went on is one from which all goes on: nothing is lost, and
nothing counts twice. At each step of a backup the world does something."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from ingest.salts.opener import salts
from ingest.stream.opener import spill
from ingest.stream.sink import SinkRecord
from liveinsight.cli import cli
from liveinsight.engine.continuity import broken_off
from liveinsight.imports.checkpoint import ImportCheckpoints
from liveinsight.operations.backup import (
    MANIFEST,
    Backup,
    BackupParts,
    back_up,
    restore,
)
from liveinsight.operations.data_copy import BrokenCopyError, copy_archive
from processors.archive.chain import Chain
from processors.archive.verify import verify
from runtime.errors import RetryableError, UsageError
from runtime.objects.folder import FolderObjects
from runtime.objects.opener import objects
from runtime.settings import EmbeddedSettings
from runtime.sites.opener import sites
from schemas.event import encode_batch
from tests.operations.working_folder import SITE, WorkingFolder, ids_of, pages_of

NOW = datetime(2026, 5, 4, 14, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path) -> WorkingFolder:
    made = WorkingFolder(tmp_path / "data", Random(1))
    made.collect(40)
    made.consume()
    return made


def backed_up(
    world: WorkingFolder, target: Path, on_step: Callable[[str], None] = lambda _: None
) -> Backup:
    parts = BackupParts(broken_off=broken_off, on_step=on_step)
    return back_up(world.settings, target, now=NOW, parts=parts)


def restored(target: Path, data: Path) -> WorkingFolder:
    restore(target, EmbeddedSettings(data), parts=BackupParts(broken_off=broken_off))
    return WorkingFolder(data, Random(10**6))


@pytest.mark.parametrize("seed", range(6))
def test_all_goes_on_from_a_backup_made_while_all_went_on(tmp_path: Path, seed: int) -> None:
    rng = Random(seed)
    world = WorkingFolder(tmp_path / "data", rng)
    world.collect(30)
    world.consume(batches=rng.randint(1, 6))
    accepted = ids_of(world.on_stream())
    steps: list[str] = []

    def meanwhile(step: str) -> None:
        steps.append(step)
        world.collect(rng.randint(0, 20))
        consumers = rng.sample(["archive", "stats"], rng.randint(0, 2))
        world.consume(consumers, batches=rng.randint(1, 4))
        if rng.random() < 0.5:
            world.compact()

    backed_up(world, tmp_path / "backup", meanwhile)
    assert len(steps) == 4
    world.collect(5)  # is not in the backup

    there = restored(tmp_path / "backup", tmp_path / "restored")
    kept = there.on_stream()
    assert accepted <= ids_of(kept), "what was accepted when the backup began"
    there.consume()
    assert there.pages() == pages_of(kept)
    assert there.archived_ids() == ids_of(kept)
    there.collect(20)
    there.consume()
    assert there.pages() == pages_of(there.on_stream())
    assert there.archived_ids() == ids_of(there.on_stream())
    chain = Chain(objects(there.settings, "archive"))
    assert {verify(chain, shard).problem for shard in chain.shards()} == {""}


def test_a_stream_that_is_older_than_the_tables_is_refused(
    tmp_path: Path, world: WorkingFolder
) -> None:
    """As it would be, were it copied first."""
    with closing(sqlite3.connect(world.settings.stream_path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        old = world.settings.stream_path.read_bytes()
    assert broken_off(world.settings) == ""
    world.collect(20)
    world.consume(["stats"])
    copy = tmp_path / "copy"
    backed_up(world, tmp_path / "backup")
    restore(tmp_path / "backup", EmbeddedSettings(copy), parts=BackupParts())
    (copy / "stream.sqlite").write_bytes(old)
    assert "stats has done" in broken_off(EmbeddedSettings(copy))


def test_records_that_no_consumer_had_done_and_the_stream_has_lost_are_told(
    tmp_path: Path, world: WorkingFolder
) -> None:
    world.collect(20)
    with closing(sqlite3.connect(world.settings.stream_path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM records WHERE sequence <= 2")
    assert "has done 0" in broken_off(world.settings), "realtime"
    with pytest.raises(BrokenCopyError, match="consumers could not go on"):
        backed_up(world, tmp_path / "backup")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_what_was_drained_is_not_drained_again(tmp_path: Path, world: WorkingFolder) -> None:
    (first, second, *_) = world.on_stream()
    waits = replace(first, visitor_id=b"8 bytes!")
    kept = spill(world.settings)
    for number, batch in enumerate((first, second, waits)):
        key = f"{SITE}/{batch.visitor_id[-1] % 2}"
        kept.put(f"{number:013d}-{'0' * 32}", [SinkRecord(key, encode_batch(batch))])
    backed_up(world, tmp_path / "backup")
    there = restored(tmp_path / "backup", tmp_path / "restored")
    (name,) = spill(there.settings).names()
    assert name.startswith(f"{2:013d}")
    assert len(kept.names()) == 3, "the engine's own are left alone"


def test_a_generation_that_changed_meanwhile_is_copied_whole(
    tmp_path: Path, world: WorkingFolder
) -> None:
    steps: list[str] = []

    def flip(step: str) -> None:
        if not steps:
            sites(world.settings).update(SITE, lambda site: replace(site, generation=2))
        steps.append(step)

    backed_up(world, tmp_path / "backup", flip)
    assert steps.count("copying the tables") == 2
    there = restored(tmp_path / "backup", tmp_path / "restored")
    assert [site.generation for site in sites(there.settings).list()] == [2]


def test_sites_that_never_stand_still_are_given_up(tmp_path: Path, world: WorkingFolder) -> None:
    def flip(_: str) -> None:
        sites(world.settings).update(
            SITE, lambda site: replace(site, generation=site.generation + 1)
        )

    with pytest.raises(RetryableError, match="sites change faster"):
        backed_up(world, tmp_path / "backup", flip)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_salts_are_in_no_backup(tmp_path: Path, world: WorkingFolder) -> None:
    salt = b"sixteen bytes, and sixteen more."
    salts(world.settings).salt(SITE, date(2026, 5, 4), fresh=salt, now=datetime.now(UTC))
    backed_up(world, tmp_path / "backup")
    kept = [path for path in (tmp_path / "backup").rglob("*") if path.is_file()]
    assert [path for path in kept if salt in path.read_bytes()] == []
    fresh = salts(world.settings).salt(SITE, date(2026, 5, 4), fresh=b"new", now=datetime.now(UTC))
    assert fresh == salt, "the engine's own is left alone"


def test_a_backup_is_of_whole_files_for_the_owner_alone(
    tmp_path: Path, world: WorkingFolder
) -> None:
    made = backed_up(world, tmp_path / "backup")
    found = {
        path.relative_to(tmp_path / "backup" / "data").as_posix()
        for path in (tmp_path / "backup" / "data").rglob("*")
        if path.is_file()
    }
    assert found == set(made.files)
    assert not [name for name in found if name.endswith(("-wal", "-shm", ".lock", ".unfinished"))]
    assert (tmp_path / "backup").stat().st_mode & 0o077 == 0
    assert (tmp_path / "backup/data/tables.sqlite").stat().st_mode & 0o077 == 0


def test_files_keep_their_times(tmp_path: Path, world: WorkingFolder) -> None:
    """Malformed hits are deleted by them."""
    objects(world.settings, "malformed").create("a/b", b"{}")
    os.utime(tmp_path / "data/malformed/a/b", (1_700_000_000, 1_700_000_000))
    backed_up(world, tmp_path / "backup")
    restored(tmp_path / "backup", tmp_path / "restored")
    assert (tmp_path / "restored/malformed/a/b").stat().st_mtime == 1_700_000_000


def test_a_listing_that_misses_an_object_leaves_no_hole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder is not read at one moment: the newest may be seen, and the one before it not."""
    world = WorkingFolder(tmp_path / "data", Random(1))
    world.collect(40)
    world.consume(["archive"])
    real, listings = os.walk, [0]

    def walk(folder: Path) -> object:
        for place, folders, names in real(folder):
            listings[0] += bool(names)
            hides = sorted(names)[-2:-1] if listings[0] == 1 else []
            yield place, folders, [name for name in names if name not in hides]

    monkeypatch.setattr("liveinsight.operations.data_copy.os.walk", walk)
    copy_archive(tmp_path / "data" / "archive", tmp_path / "copy")
    monkeypatch.undo()
    chain = Chain(FolderObjects(tmp_path / "copy"))
    assert {verify(chain, shard).problem for shard in chain.shards()} == {""}


def test_an_archive_that_is_merged_and_pruned_while_it_is_copied_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = WorkingFolder(tmp_path / "data", Random(1))
    world.collect(60)
    world.consume(["archive"])
    whole, copied = world.archived_ids(), [0]
    from liveinsight.operations import data_copy  # noqa: PLC0415 - its function is replaced

    real = data_copy.copy_file

    def copy_file(source: Path, copy: Path) -> bool:
        copied[0] += 1
        if copied[0] in (2, 9):
            world.compact()
            world.compact()
        return real(source, copy)

    monkeypatch.setattr(data_copy, "copy_file", copy_file)
    copy_archive(tmp_path / "data" / "archive", tmp_path / "copy" / "archive")
    monkeypatch.undo()
    chain = Chain(FolderObjects(tmp_path / "copy" / "archive"))
    assert {verify(chain, shard).problem for shard in chain.shards()} == {""}
    assert list((tmp_path / "copy" / "archive" / "compacted").iterdir())
    (tmp_path / "copy" / "sites.sqlite").write_bytes(b"")
    assert WorkingFolder(tmp_path / "copy", Random(1)).archived_ids() == whole


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(cli, list(map(str, words)))
    return (2, str(done.exception)) if done.exception else (0, done.stdout)


def test_the_commands_say_what_they_did(tmp_path: Path, world: WorkingFolder) -> None:
    code, said = run("backup", tmp_path / "b", "--data", world.settings.data, "--json")
    assert code == 0
    document = json.loads(said)
    assert set(document) == {"made_at", "folder", "files", "bytes"}
    code, said = run("restore", tmp_path / "b", "--data", tmp_path / "r")
    assert code == 0
    assert said.startswith(f"restored: {document['files']:,} files")
    assert WorkingFolder(tmp_path / "r", Random(1)).pages() == world.pages()


def test_no_backup_while_an_import_runs(tmp_path: Path, world: WorkingFolder) -> None:
    with ImportCheckpoints(world.settings.imports_path).locked():
        code, said = run("backup", tmp_path / "b", "--data", world.settings.data)
    assert (code, "another import" in said) == (2, True)
    assert not (tmp_path / "b").exists()


def test_what_stands_somewhere_is_never_overwritten(tmp_path: Path, world: WorkingFolder) -> None:
    backed_up(world, tmp_path / "backup")
    for folder in ("backup", "data"):
        with pytest.raises(UsageError, match="is not empty"):
            backed_up(world, tmp_path / folder)
    with pytest.raises(UsageError, match="is not empty"):
        restored(tmp_path / "backup", tmp_path / "data")
    (tmp_path / "empty").mkdir()
    restored(tmp_path / "backup", tmp_path / "empty")


def test_a_folder_that_is_no_backup_is_refused(tmp_path: Path, world: WorkingFolder) -> None:
    with pytest.raises(UsageError, match="is no backup"):
        restored(world.settings.data, tmp_path / "restored")
    backed_up(world, tmp_path / "backup")
    manifest = tmp_path / "backup" / MANIFEST
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "data_format": 1}))
    with pytest.raises(UsageError, match="another version of LiveInsight"):
        restored(tmp_path / "backup", tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


@pytest.mark.parametrize("harm", ["changed", "missing"])
def test_a_backup_that_was_harmed_is_refused(
    tmp_path: Path, world: WorkingFolder, harm: str
) -> None:
    made = backed_up(world, tmp_path / "backup")
    path = tmp_path / "backup/data" / next(name for name in made.files if "records/" in name)
    path.unlink() if harm == "missing" else path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(BrokenCopyError, match="is missing, or is not what was written"):
        restored(tmp_path / "backup", tmp_path / "restored")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["backup", "data"]


def test_a_database_that_is_broken_is_no_backup(tmp_path: Path, world: WorkingFolder) -> None:
    with closing(sqlite3.connect(world.settings.tables_path, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    content = bytearray(world.settings.tables_path.read_bytes())
    content[-3000:] = b"\xff" * 3000
    world.settings.tables_path.write_bytes(content)
    with pytest.raises((BrokenCopyError, RetryableError)):
        backed_up(world, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()
