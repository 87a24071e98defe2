"""Ordinary blocking code that runs in turns: a thread that moves only while its owner waits."""

import traceback
from collections.abc import Callable
from threading import Lock, Thread


class Killed(BaseException):
    """The owner wants no more of it."""


class _Worker:
    """A thread that runs one coroutine after another; starting a thread costs more than a turn."""

    idle: "list[_Worker]" = []  # noqa: RUF012

    def __init__(self) -> None:
        self.turn, self.back = Lock(), Lock()
        self.turn.acquire()
        self.back.acquire()
        self.body: Callable[[], None] | None = None
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            self.turn.acquire()
            if self.body is not None:
                self.body()
            self.body = None
            self.back.release()


class Coroutine:
    """Runs `body` up to its next `pause()` each time it is told to.

    Only one of all coroutines and their owner runs at a time, so what happens is decided by the
    owner alone.
    """

    def __init__(self, body: Callable[[], None]) -> None:
        self.ended = False
        self.failure = ""
        """What `body` raised, with its traceback."""
        self._killed = False
        self._body = body
        self._worker = _Worker.idle.pop() if _Worker.idle else _Worker()
        self._worker.body = self._run

    def step(self) -> bool:
        """Let it run until it pauses or ends; say whether it has ended."""
        self._worker.turn.release()
        self._worker.back.acquire()
        if self.ended:
            _Worker.idle.append(self._worker)
        return self.ended

    def pause(self) -> None:
        """Give the turn back. To be called by `body`."""
        self._worker.back.release()
        self._worker.turn.acquire()
        if self._killed:
            raise Killed

    def kill(self) -> None:
        """End it where it stands."""
        self._killed = True
        while not self.ended:
            self.step()

    def _run(self) -> None:
        try:
            if not self._killed:
                self._body()
        except Killed:
            pass
        except BaseException:  # noqa: BLE001 - the owner decides what it means
            self.failure = traceback.format_exc()
        self.ended = True
