"""Settings that a function reads from its environment. Each is described in docs/settings.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from liveinsight.runtime.errors import UsageError


@dataclass(frozen=True, slots=True)
class Settings:
    """What every function needs to find its data."""

    data: Path
    """LIVEINSIGHT_DATA: folder of the embedded engine."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings.

        Raises:
            UsageError: a setting is missing or cannot be used.
        """
        data = environ.get("LIVEINSIGHT_DATA", "")
        if not data:
            raise UsageError("LIVEINSIGHT_DATA is not set: name the folder of the embedded engine")
        return cls(data=Path(data))

    @property
    def stream_path(self) -> Path:
        """The event stream's log."""
        return self.data / "stream.sqlite"

    @property
    def tables_path(self) -> Path:
        """Rollups, visitor states, raw events, consumer positions."""
        return self.data / "tables.sqlite"

    @property
    def sites_path(self) -> Path:
        """Site settings and salts."""
        return self.data / "sites.sqlite"

    @property
    def archive_path(self) -> Path:
        """Folder of the archive's Avro files."""
        return self.data / "archive"

    @property
    def dead_letters_path(self) -> Path:
        """Folder of the dead letters."""
        return self.data / "dead-letters"

    @property
    def token_keys_path(self) -> Path:
        """File of the keys that sign CSRF tokens."""
        return self.data / "token-keys.json"

    @property
    def imports_path(self) -> Path:
        """Folder of the import checkpoints."""
        return self.data / "imports"
