"""What a Lambda container, or a process of the embedded engine, makes once and keeps."""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from runtime.settings import EmbeddedSettings, Settings, settings_from, without_end

COLLECTED_SELDOM = (50_000, 20, 20)
"""Python's own numbers (700, 10, 10) look for circles of garbage so often that the stats consumer,
which keeps many states, spends a third of its time on it; with these a tenth. There are hardly any
circles: what is decoded, folded and answered is a tree."""


@contextmanager
def container(remaining: Callable[[], float] = without_end) -> Iterator[Settings]:
    """Give the settings of this process to the block, which builds what it keeps for good.

    A function imports botocore and makes its clients in the block. To let the garbage collector
    look at them again and again while they grow would be a tenth of a cold start.

    Args:
        remaining: how many seconds the present invocation has left.

    Raises:
        UsageError: there is no such engine, or a setting is missing.
    """
    settings = settings_from(os.environ, remaining)
    gc.set_threshold(*COLLECTED_SELDOM)
    if isinstance(settings, EmbeddedSettings):
        yield settings
        return
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield settings
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
