"""Files that are written whole or not at all, and that survive a loss of power."""

import os
import tempfile
from pathlib import Path

UNFINISHED = ".unfinished"
"""Ends the names of files that are being written; a crash leaves them lying."""


def create(path: Path, content: bytes) -> bytes:
    """Create a file, with its folder, unless one of that name stands there already.

    Returns:
        What stands there now: `content`, or what another writer put first.

    Raises:
        OSError: the disk refused.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, suffix=UNFINISHED)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(unfinished, path)
    except FileExistsError:
        return path.read_bytes()
    finally:
        Path(unfinished).unlink()
    sync_folder(path.parent)
    return content


def replace(path: Path, content: bytes) -> None:
    """Put a content in the place of a file; whoever reads it sees the old one or the new one.

    Raises:
        OSError: the disk refused.
    """
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, suffix=UNFINISHED)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(unfinished).replace(path)
    finally:
        Path(unfinished).unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Take the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
