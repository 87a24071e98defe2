"""Starts the processes of the embedded engine, and starts them again when they die."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Thread
from typing import Self

from runtime.backoff import Backoff
from runtime.errors import USAGE_EXIT
from runtime.settings import EmbeddedSettings, Variable

CHECK_EVERY = timedelta(milliseconds=100)
FIRST_PAUSE_SECONDS = 0.1
LAST_PAUSE_SECONDS = 1.0
STEADY_AFTER = timedelta(seconds=10)
GRACE = timedelta(seconds=15)


@dataclass(slots=True)
class Child:
    """One process and how it is started."""

    role: str
    arguments: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    """How often it died in a row."""


class Supervisor:
    """Keeps child processes running while its block lasts.

    A child that ends with USAGE_EXIT has said what is to be mended, in one line. It would say that
    again for ever: so no child is started any more, `given_up` is set, and the block ends with
    SystemExit of the same code.

    Args:
        children: the processes.
        settings: of the engine; the children find them in their environment.
        on_restart: told the role of a child that died and is started again.
    """

    def __init__(
        self,
        children: Sequence[Child],
        settings: EmbeddedSettings,
        on_restart: Callable[[str], None],
    ) -> None:
        self._children = children
        self._environment = _environment(settings)
        self._on_restart = on_restart
        self.given_up = Event()
        self._stop = Event()
        self._backoff = Backoff(
            FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS, lambda: 1.0, self._stop.wait
        )
        self._watch = Thread(target=self._watch_children, daemon=True)

    def __enter__(self) -> Self:
        """Start every child."""
        for child in self._children:
            self._start(child)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End every child: in peace first, by force after GRACE.

        Raises:
            SystemExit: a child cannot do its work.
        """
        self._stop.set()
        self._watch.join()
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + GRACE.total_seconds()
        for process in running:
            _end(process, deadline)
        if self.given_up.is_set():
            raise SystemExit(USAGE_EXIT)

    def _start(self, child: Child) -> None:
        command = [sys.executable, "-m", "liveinsight.engine", child.role, *child.arguments]
        child.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, stdin=subprocess.PIPE, env=self._environment
        )
        child.started = time.monotonic()

    def _watch_children(self) -> None:
        while not self._stop.wait(CHECK_EVERY.total_seconds()):
            for child in self._children:
                code = None if child.process is None else child.process.poll()
                if code == USAGE_EXIT:
                    self.given_up.set()
                    return
                if code is not None:
                    self._restart(child)

    def _restart(self, child: Child) -> None:
        if time.monotonic() - child.started > STEADY_AFTER.total_seconds():
            child.failures = 0
        self._on_restart(child.role)
        child.failures += 1
        if not self._backoff.wait(child.failures):
            self._start(child)


def _end(process: subprocess.Popen[bytes], deadline: float) -> None:
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _environment(settings: EmbeddedSettings) -> dict[str, str]:
    """Return the children's environment: metrics go to CloudWatch, and here there is none."""
    quiet: dict[str, str] = {Variable.METRICS_DISABLED: "true", Variable.LOG_LEVEL: "WARNING"}
    return {**quiet, **os.environ, **settings.environ}
