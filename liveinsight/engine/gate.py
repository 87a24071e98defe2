"""One at a time writes what is counted: the stats consumer, or who turns a site to other rollups.

The consumer passes the gate for each batch, with the write of its position. Who holds it from
outside may bring another generation of rollups to where the consumer is, and make it the one that
counts: the next batch is counted there, and nothing is missed or counted twice. A process that dies
lets go of it.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from runtime.settings import EmbeddedSettings


class Gate:
    """The gate of a data folder.

    Args:
        settings: of the engine.
        forget: lets go of what the consumer remembers of sites and tables; called when somebody
            else has been at the gate.
    """

    def __init__(
        self, settings: EmbeddedSettings, forget: Callable[[], object] = lambda: None
    ) -> None:
        self._path = settings.data / "stats.lock"
        self._forget = forget
        self._seen = ""

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Let the block count a batch and move its position."""
        with self._held() as file:
            turns = file.read()
            if turns != self._seen:
                self._forget()
                self._seen = turns
            yield

    @contextmanager
    def turning(self) -> Iterator[None]:
        """Keep the consumer waiting while the block runs, and let it forget what it knows."""
        with self._held() as file:
            turns = int(file.read() or 0) + 1
            file.seek(0)
            file.write(str(turns))
            file.flush()  # before anything is written: this process may die at any moment
            yield

    @contextmanager
    def _held(self) -> Iterator[IO[str]]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            yield file
