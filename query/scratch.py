"""Folders for what does not fit into memory, one for each process that asks or writes."""

import os
import shutil
from contextlib import suppress
from pathlib import Path


def own_folder(root: Path, name: str) -> Path:
    """Return the folder of this process; those of processes that are gone are deleted.

    It is not made: DuckDB does, when it needs it.
    """
    with suppress(OSError):
        for folder in root.glob(f"{name}-*"):
            if not _is_alive(folder.name.rpartition("-")[2]):
                shutil.rmtree(folder, ignore_errors=True)
    return root / f"{name}-{os.getpid()}"


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (ValueError, OSError):
        return True
    return True
