"""The shares of a rebuild, each in a process of its own.

A process that dies is started again, and goes on from what it kept. One whose parent has died ends
by itself.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping, MutableSequence, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path

from liveinsight.replay.locks import at_work
from liveinsight.replay.plan import Plan
from liveinsight.replay.share import Share
from processors.archive.container import BrokenArchiveError
from processors.archive.store import ObjectArchiveStore
from runtime.errors import FAILURE_EXIT, LiveInsightError, PermanentError
from runtime.objects.opener import objects
from runtime.settings import settings_from
from runtime.sites.encoding import decode_site, encode_site
from runtime.sites.site import Site

MOST_DEATHS = 5
"""In a row, without that any record was folded between."""

REPORT_EVERY_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Work:
    """What a process needs to know to fold its share."""

    environ: Mapping[str, str]
    """Of the settings of the engine."""
    path: Path
    number: int
    plan: Plan
    sites: Sequence[str]
    """Settings, as they will be."""


def fold_shares(
    environ: Mapping[str, str],
    paths: Sequence[Path],
    sites: Mapping[str, Site],
    plan: Plan,
    report: Callable[[int], object],
) -> None:
    """Fold all shares, at the same time.

    Args:
        environ: of the settings of the engine.
        paths: of the shares' files.
        sites: as they will be.
        plan: what is folded.
        report: takes how many records all shares have read together, now and then.

    Raises:
        LiveInsightError: a share cannot be folded.
    """
    context = multiprocessing.get_context("spawn")
    read = context.Array("q", len(paths), lock=False)
    encoded = [encode_site(site) for site in sites.values()]
    works = [Work(dict(environ), path, number, plan, encoded) for number, path in enumerate(paths)]

    def start(work: Work) -> multiprocessing.process.BaseProcess:
        process = context.Process(target=_fold, args=(work, read, os.getpid()), daemon=True)
        process.start()
        return process

    running = {start(work): work for work in works}
    deaths = {work.number: (0, -1) for work in works}
    while running:
        wait([process.sentinel for process in running], timeout=REPORT_EVERY_SECONDS)
        report(sum(read))
        for process, work in list(running.items()):
            if process.is_alive():
                continue
            process.join()
            del running[process]
            if process.exitcode == FAILURE_EXIT:
                raise PermanentError(_reason(work))
            if process.exitcode:
                count, at = deaths[work.number]
                count = count + 1 if at == read[work.number] else 1
                deaths[work.number] = count, read[work.number]
                if count > MOST_DEATHS:
                    raise PermanentError(
                        f"share {work.number} died {count} times (exit code {process.exitcode})"
                    )
                running[start(work)] = work


def _failure(work: Work) -> Path:
    """Return where a process says why its share cannot be folded."""
    return work.path.with_name(f"{work.path.name}.failed")


def _reason(work: Work) -> str:
    """Return why a share cannot be folded; a full disk may not even take that."""
    with suppress(OSError):
        if reason := _failure(work).read_text():
            return reason
    return f"share {work.number} cannot be folded, and why cannot be written: is the disk full?"


def _fold(work: Work, read: MutableSequence[int], parent: int) -> None:
    with at_work(work.path.parent):
        if os.getppid() == parent:  # else another rebuild may have the folder
            _fold_share(work, read, parent)


def _fold_share(work: Work, read: MutableSequence[int], parent: int) -> None:
    settings = settings_from(work.environ)
    decoded = [decode_site(text) for text in work.sites]
    share = Share(work.path, work.number, work.plan, {site.site_id: site for site in decoded})

    def report(records: int) -> None:
        read[work.number] = records
        if os.getppid() != parent:
            os._exit(0)

    try:
        share.run(ObjectArchiveStore(objects(settings, "archive")), report)
    except (LiveInsightError, BrokenArchiveError) as error:
        with suppress(OSError):
            _failure(work).write_text(str(error))
        sys.exit(FAILURE_EXIT)
