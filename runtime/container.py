"""What a Lambda container, or a process of the embedded engine, makes once and keeps."""

import gc
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module

from runtime.errors import LiveInsightError
from runtime.settings import EmbeddedSettings, Settings, Variable, settings_from, without_end

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


SNAPSHOTS = "snapshot_restore_py"
"""Lambda's runtime brings it; the zip does not.
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html"""


def ready(*builders: Callable[[], object]) -> None:
    """On AWS, build what a function works with; called when its handler is imported.

    There a container is imported with more CPU than it has later, and what stands by then is in the
    snapshot that SnapStart takes. What cannot be built now is built at the first invocation, which
    can say why it cannot.

    Args:
        builders: those of the bootstrap, which remember what they built.
    """
    if os.environ.get(Variable.ENGINE) != "aws":
        return
    _reseed_after_a_restore()
    for build in builders:
        try:
            build()
        except LiveInsightError:
            return


def _reseed_after_a_restore() -> None:
    """Let no two containers of one snapshot draw the same numbers.

    Only pauses between repeated calls are drawn from them, ours and botocore's: containers that
    wait equally long would come at once. Ids, salts and keys are the kernel's randomness.
    """
    try:
        snapshots = import_module(SNAPSHOTS)
    except ModuleNotFoundError:
        return
    snapshots.register_after_restore(random.seed)
