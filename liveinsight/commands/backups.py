"""Back up a data folder, and restore it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from liveinsight.commands.options import console, data_option, errors, existing, json_option
from runtime.settings import EmbeddedSettings

if TYPE_CHECKING:
    from liveinsight.operations.backup import Backup, BackupParts

target_argument = click.argument(
    "target", metavar="TARGET", type=click.Path(file_okay=False, path_type=Path)
)


@click.command("backup")
@target_argument
@data_option
@json_option
def backup(*, target: Path, data: Path, as_json: bool) -> None:
    """Copy the data folder to TARGET, a new folder, while the engine runs, and check the copy."""
    from liveinsight.operations.backup import back_up  # noqa: PLC0415 - starts would take longer

    settings = EmbeddedSettings(data)
    existing(settings)
    with _parts(settings) as parts:
        made = back_up(settings, target, now=datetime.now(UTC), parts=parts)
    _print("backed up", made, target, as_json=as_json)


@click.command("restore")
@target_argument
@data_option
@json_option
def restore(*, target: Path, data: Path, as_json: bool) -> None:
    """Make a data folder of the backup in TARGET. The folder must be missing, or empty."""
    from liveinsight.operations.backup import restore as restored  # noqa: PLC0415

    with _parts() as parts:
        made = restored(target, EmbeddedSettings(data), parts=parts)
    _print("restored", made, data, as_json=as_json)


@contextmanager
def _parts(settings: EmbeddedSettings | None = None) -> Iterator["BackupParts"]:
    """Give what a backup needs beside; a data folder that is named keeps imports out."""
    from liveinsight.engine.continuity import broken_off  # noqa: PLC0415
    from liveinsight.imports.checkpoint import ImportCheckpoints  # noqa: PLC0415
    from liveinsight.operations.backup import BackupParts  # noqa: PLC0415

    imports = settings.imports_path if settings else None
    has_imports = imports is not None and imports.exists()
    locked = ImportCheckpoints(imports).locked if imports and has_imports else nullcontext
    with errors.status("") as status:
        on_step: Callable[[str], None] = status.update
        yield BackupParts(locked, broken_off, on_step)


def _print(what: str, made: "Backup", where: Path, *, as_json: bool) -> None:
    if as_json:
        document = {
            "made_at": made.made_at,
            "folder": str(where),
            "files": len(made.files),
            "bytes": made.bytes,
        }
        click.echo(json.dumps(document))
        return
    console.print(
        f"{what}: {len(made.files):,} files, {made.bytes:,} bytes, as of {made.made_at}: {where}",
        soft_wrap=True,
    )
