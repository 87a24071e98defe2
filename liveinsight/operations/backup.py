"""Backs up a data folder while the engine runs, and restores it into an empty one.

Each part is copied as of a moment of its own, in an order that makes the whole one from which the
engine goes on, as it does after a crash:

1. `accepted.sqlite`: the collector's own count, which must not be ahead of what follows;
2. `tables.sqlite`: what is counted, and how far each consumer has come;
3. the archive, dead letters: they have what the tables say, and what came since;
4. the spill and the checkpoints of imports, while no import runs;
5. `stream.sqlite`: it has what everything before it says, and what came since, which the consumers
   count, or recognise, when they go on;
6. `sites.sqlite`.

What was spilled and drained between 4 and 5 is taken from the copied spill: a drain would put it on
the stream again, and nobody remembers the ids of that many events. Where a site's generation
changed between 2 and 6, all is copied again.

Salts are in no backup: they must not outlive their two days. How far the log was shown to consumers
is kept beside it (by the running engine), and is none of the backup's: the copied tables say it.
"""

import gc
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from ingest.stream.spill import Spill
from liveinsight.operations.data_copy import (
    BrokenCopyError,
    copy_archive,
    copy_database,
    copy_file,
    copy_objects,
    digest_of,
    files_in,
    settle,
)
from processors.archive.chain import Chain
from processors.archive.verify import verify
from runtime.errors import RetryableError, UsageError
from runtime.files import UNFINISHED, sync_folder
from runtime.objects.opener import objects
from runtime.settings import EmbeddedSettings
from runtime.sites.opener import sites
from runtime.sqlite import DATA_FORMAT

T = TypeVar("T")

MANIFEST = "backup.json"
DATA = "data"
ATTEMPTS = 3
OTHER_OBJECTS = ("dead-letters", "malformed")

OnStep = Callable[[str], None]
"""Told what is being done."""
Undisturbed = Callable[[], AbstractContextManager[None]]
"""Keeps imports out."""
BrokenOff = Callable[[EmbeddedSettings], str]
"""Says where a consumer could not go on; empty: nowhere."""


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """A file of a backup."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup says of itself."""

    made_at: str
    """RFC 3339, UTC: when it was begun. Everything that was counted then is in it."""
    data_format: int
    files: dict[str, CopiedFile]
    """By path in the data folder."""

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(one.bytes for one in self.files.values())


@dataclass(frozen=True, slots=True)
class BackupParts:
    """What backing up needs of the rooms beside this one."""

    no_import: Undisturbed = nullcontext
    broken_off: BrokenOff = lambda _: ""
    on_step: OnStep = lambda _: None


def back_up(
    settings: EmbeddedSettings, target: Path, *, now: datetime, parts: BackupParts
) -> Backup:
    """Write a backup of a data folder, check it, and give it its name.

    Args:
        settings: of the data folder; its engine may run.
        target: a folder that is missing or empty.
        now: when it was.
        parts: what it needs beside.

    Raises:
        UsageError: the target holds something, or an import is running.
        BrokenCopyError: what was copied is not whole.
        RetryableError: the data changed faster than it could be copied.
    """
    with _whole_folder(target) as folder:
        copy = EmbeddedSettings(folder / DATA)
        for _ in range(ATTEMPTS):
            shutil.rmtree(copy.data, ignore_errors=True)
            copy.data.mkdir(mode=0o700)
            generations = _generations(settings)
            _copy(settings, copy, parts)
            if _apart(_generations, copy) == generations:
                break
        else:
            raise RetryableError("sites change faster than they can be copied")
        parts.on_step("checking")
        _check(copy, parts.broken_off)
        backup = Backup(now.astimezone(UTC).isoformat(), DATA_FORMAT, _files(copy.data))
        (folder / MANIFEST).write_text(json.dumps(asdict(backup), indent=1))
    return backup


def restore(target: Path, settings: EmbeddedSettings, *, parts: BackupParts) -> Backup:
    """Make a data folder of a backup, after all of it has been checked.

    Args:
        target: a backup.
        settings: of a data folder that is missing or empty.
        parts: what it needs beside.

    Raises:
        UsageError: the folder holds something, or this is no backup, or of another version.
        BrokenCopyError: the backup is not what was written.
    """
    backup = read_backup(target)
    with _whole_folder(settings.data) as folder:
        parts.on_step("copying")
        for path, written in backup.files.items():
            copy_file(target / DATA / path, folder / path)
            if not (folder / path).exists() or digest_of(folder / path) != written.sha256:
                raise BrokenCopyError(
                    f"{target / DATA / path} is missing, or is not what was written"
                )
        parts.on_step("checking")
        _check(EmbeddedSettings(folder), parts.broken_off)
    return backup


def read_backup(target: Path) -> Backup:
    """Return what a backup says of itself.

    Raises:
        UsageError: this is no backup, or one of another version.
    """
    try:
        stored = json.loads((target / MANIFEST).read_text())
        files = {path: CopiedFile(**one) for path, one in stored["files"].items()}
        backup = Backup(stored["made_at"], stored["data_format"], files)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{target} is no backup: name the folder that 'liveinsight backup' has written"
        ) from error
    if backup.data_format != DATA_FORMAT:
        raise UsageError(
            f"{target} was made by another version of LiveInsight (its data format is"
            f" {backup.data_format}, this version's {DATA_FORMAT}): restore it with that version"
        )
    return backup


def _copy(settings: EmbeddedSettings, copy: EmbeddedSettings, parts: BackupParts) -> None:
    """Copy the parts in the order that the module's text says."""
    parts.on_step("copying the tables")
    copy_database(settings.accepted_path, copy.accepted_path)
    copy_database(settings.tables_path, copy.tables_path)
    parts.on_step("copying the archive")
    copy_archive(settings.data / "archive", copy.data / "archive")
    for kind in OTHER_OBJECTS:
        copy_objects(settings.data / kind, copy.data / kind)
    for path in sorted(settings.data.glob("*.json")):
        copy_file(path, copy.data / path.name)
    parts.on_step("copying the stream")
    with parts.no_import():
        copy_objects(settings.data / "spill", copy.data / "spill")
        copy_database(settings.import_checkpoints_path, copy.import_checkpoints_path)
        copy_database(settings.stream_path, copy.stream_path)
    _forget_drained(copy)
    copy_database(settings.sites_path, copy.sites_path)


def _forget_drained(copy: EmbeddedSettings) -> None:
    """Delete from the copied spill what the copied stream has."""
    spill = Spill(objects(copy, "spill"))
    names = spill.names()
    if not names or not copy.stream_path.exists():
        return
    on_stream = set(_records_on(copy.stream_path))
    for name in names:
        kept = spill.get(name) or []
        if all(_mark(one.partition_key, one.data) in on_stream for one in kept):
            spill.delete([name])


def _records_on(stream: Path) -> Iterator[bytes]:
    with closing(sqlite3.connect(stream)) as connection:
        for key, data in connection.execute("SELECT partition_key, data FROM records"):
            yield _mark(key, data)


def _mark(partition_key: str, data: bytes) -> bytes:
    return sha256(partition_key.encode() + b"\0" + data).digest()[:16]


def _generations(settings: EmbeddedSettings) -> dict[str, int]:
    return {site.site_id: site.generation for site in sites(settings).list()}


def _apart(ask: Callable[[EmbeddedSettings], T], settings: EmbeddedSettings) -> T:
    """Ask, and close the connections that were opened for the answer.

    Only who uses a database alone can leave it as one file, and a connection of Python stands in a
    circle with its statements: so it ends when somebody collects.
    """
    answer = ask(settings)
    gc.collect()
    return answer


def _check(copy: EmbeddedSettings, broken_off: BrokenOff) -> None:
    chain = Chain(objects(copy, "archive"))
    for shard in chain.shards():
        report = verify(chain, shard)
        if report.problem:
            raise BrokenCopyError(f"the archive is broken: {shard}: {report.problem}")
    problem = _apart(broken_off, copy)
    if problem:
        raise BrokenCopyError(f"consumers could not go on from it: {problem}")
    for path in files_in(copy.data):
        if path.suffix == ".sqlite":
            settle(path)


def _files(folder: Path) -> dict[str, CopiedFile]:
    return {
        path.relative_to(folder).as_posix(): CopiedFile(path.stat().st_size, digest_of(path))
        for path in files_in(folder)
    }


@contextmanager
def _whole_folder(path: Path) -> Iterator[Path]:
    """Give a folder that gets its name when the block has ended: before, nobody takes it for whole.

    Raises:
        UsageError: something stands there, or nothing can.
    """
    try:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise UsageError(f"{path} is not empty: name a folder that is, or none that there is")
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=UNFINISHED))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    try:
        yield folder
        _take_to_disk(folder)
        folder.rename(path)
        sync_folder(path.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _take_to_disk(folder: Path) -> None:
    for path in files_in(folder):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    for place, _, _ in os.walk(folder):
        sync_folder(Path(place))
