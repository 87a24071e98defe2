"""The port of the stream, as far as an erasure has to do with it."""

from contextlib import AbstractContextManager
from typing import Protocol

from processors.erasure.selection import Selection


class ErasableStream(Protocol):
    """The stream, and the consumers that have what was on it in their hands.

    Its methods raise RetryableError where it does not answer, or a consumer stands still.
    """

    def alone(self) -> AbstractContextManager[None]:
        """Keep other erasures and imports out, and consumers that do not run from starting.

        Raises:
            UsageError: one of them is at work.
        """

    def find(self, selection: Selection) -> int:
        """Return how many records there are that consumers have still to pass, or that can go."""

    def erase(self, selection: Selection) -> int:
        """Erase what can be erased of the stream; return how many records that were."""

    def pass_by(self, selection: Selection) -> None:
        """Return once every consumer is done with what is on the stream now.

        What a consumer had in its hands is then where it puts it.
        """

    def until_known(self) -> None:
        """Wait until everybody knows the settings of a site as they are now."""

    def until_drained(self) -> None:
        """Wait as long as a drain that has begun may take to put what it has read on the stream."""

    def forget(self, site_id: str) -> int:
        """Delete what is kept of a site beside; return how much that was."""

    def clean(self) -> int:
        """Let nothing that was deleted be found in what holds it; return how many old versions."""
