"""Locks of a rebuild's folder, which the system takes from a process when it dies."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.errors import UsageError

PATIENCE_SECONDS = 30.0
"""A process whose parent has died ends at its next look, or after it has saved."""
LOOK_EVERY_SECONDS = 0.1


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep every other rebuild from a folder while the block runs.

    Processes of one that died may still be about to write their shares: they are waited for.

    Raises:
        UsageError: another rebuild has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    refused = (
        f"another rebuild is at work in {folder}: wait until it has ended, or end it; it goes on"
        " where it was"
    )
    with (folder / "lock").open("a") as file, (folder / "workers.lock").open("a") as workers:
        if not _taken(file.fileno(), patience=0):
            raise UsageError(refused)
        if not _taken(workers.fileno(), patience=PATIENCE_SECONDS):
            raise UsageError(refused)
        fcntl.flock(workers.fileno(), fcntl.LOCK_UN)
        yield


@contextmanager
def at_work(folder: Path) -> Iterator[None]:
    """Let everybody know, while the block runs, that a process of a rebuild writes its share."""
    with (folder / "workers.lock").open("a") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_SH)
        yield


def _taken(descriptor: int, *, patience: float) -> bool:
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= until:
                return False
            time.sleep(LOOK_EVERY_SECONDS)
        else:
            return True
