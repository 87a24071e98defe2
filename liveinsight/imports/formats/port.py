"""What every format of a log is: it reads a line, and says what it takes for what."""

from collections.abc import Mapping
from typing import Protocol

from liveinsight.imports.access_log import LogLine, Malformed


class LogFormat(Protocol):
    """Reads the lines of one log, from its first on: a line may say what the next ones hold."""

    @property
    def name(self) -> str:
        """What `--format` calls it."""

    @property
    def roles(self) -> Mapping[str, str]:
        """Where it finds what, in words: `client`, `host`, `time`, `request`, `status` ..."""

    def parse(self, line: str) -> LogLine | Malformed | None:
        """Read one line, given without its ending; None: a line of the log about itself."""
