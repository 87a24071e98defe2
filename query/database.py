"""DuckDB, which is imported when the first question is asked or the first file is written."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.errors import RetryableError, UsageError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def connect(
    memory_mb: int, threads: int, temporary: Path, folders: Sequence[Path]
) -> "DuckDBPyConnection":
    """Return a database in memory that reads and writes these folders and nothing else.

    It installs and loads nothing, and no statement can change that.

    Args:
        memory_mb: how much it takes at most; what is more goes to `temporary`.
        threads: how many it uses.
        temporary: a folder for what does not fit.
        folders: which it may read and write.

    Raises:
        UsageError: DuckDB is not installed.
    """
    try:
        import duckdb  # noqa: PLC0415 - takes a tenth of a second, and few need it
    except ImportError as error:
        raise UsageError(
            "this needs DuckDB, which is not installed: install liveinsight[local]"
        ) from error
    database = duckdb.connect(":memory:")
    allowed = ", ".join(quoted(f"{path.resolve()}/") for path in (*folders, temporary))
    for setting in (
        f"memory_limit = '{memory_mb}MB'",
        f"threads = {threads}",
        f"temp_directory = {quoted(str(temporary.resolve()))}",
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        "allow_community_extensions = false",
        "enable_progress_bar = false",
        "parquet_metadata_cache = true",
        "preserve_insertion_order = false",
        f"allowed_directories = [{allowed}]",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        database.execute(f"SET {setting}")
    return database


class GoneError(RetryableError):
    """A file cannot be read: somebody has merged or deleted it, perhaps."""


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Say in our words what DuckDB raises.

    Raises:
        GoneError: a file cannot be read or written.
        RetryableError: there is not enough memory, say.
    """
    import duckdb  # noqa: PLC0415 - see connect

    try:
        yield
    except duckdb.IOException as error:
        raise GoneError(f"{what}: {_line(error)}") from error
    except duckdb.Error as error:
        raise RetryableError(f"{what}: {_line(error)}") from error


def _line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def quoted(text: str) -> str:
    """Return a text as SQL writes it: for paths, which no parameter can be in a COPY."""
    return "'" + text.replace("'", "''") + "'"


def listed(paths: Sequence[Path]) -> str:
    """Return paths as a list of SQL."""
    return "[" + ", ".join(quoted(str(path)) for path in paths) + "]"
