"""Opens an erasure on the engine that the settings are of."""

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import get_args

from aggregates.stores.opener import events, heads, minutes, rollups, seals, visitors_of_sites
from ingest.accepted.opener import accepted_counts
from ingest.salts.opener import salts
from ingest.stream.spill import Spill
from liveinsight.engine.live import EmbeddedConsumer
from liveinsight.erasure.erasure import Erasure, ErasureStores, Recounting
from liveinsight.erasure.places import (
    ColumnsPlace,
    LetterPlace,
    MinutePlace,
    Place,
    RawEventPlace,
    SpillPlace,
    StatePlace,
)
from liveinsight.erasure.recount import Fold, recount
from liveinsight.erasure.stream import ErasableStream
from liveinsight.replay.lambda_mapping import LambdaConsumer
from liveinsight.replay.opener import rebuild_of, stream_reader
from liveinsight.replay.plan import Plan
from liveinsight.replay.rebuild import LiveConsumer, Rebuild
from liveinsight.replay.workers import fold_shares
from processors.archive.chain import Chain
from processors.columns.opener import columns_writer
from processors.dead_letter import dead_letters, malformed
from runtime.objects.opener import Kind, objects
from runtime.settings import AwsSettings, EmbeddedSettings, Settings
from runtime.sites.opener import sites
from runtime.sites.site import Site


def erasable_stream(settings: Settings) -> ErasableStream:
    """Return the stream with its consumers.

    Raises:
        UsageError: a setting is missing.
    """
    match settings:
        case EmbeddedSettings():
            from liveinsight.erasure.sqlite import EmbeddedStream

            return EmbeddedStream(settings)
        case AwsSettings():
            from liveinsight.erasure.kinesis import KinesisStream

            buckets = {kind: objects(settings, kind) for kind in get_args(Kind)}
            return KinesisStream(stream_reader(settings), heads(settings), buckets)


def erasure_of(
    settings: Settings,
    stream: ErasableStream,
    consumer: LiveConsumer | None = None,
    on_step: Callable[[str], object] = lambda _: None,
    fold: Fold | None = None,
) -> Erasure:
    """Return an erasure.

    Args:
        settings: of the engine.
        stream: of the same.
        consumer: of the stream, that counts; None: that of the engine.
        on_step: told what is being done.
        fold: of the shares of a rebuild; None: as many processes as the machine has cores.
    """
    counting = consumer or _consumer(settings)
    work = rebuild_of(settings, counting)
    stores = ErasureStores(
        sites=sites(settings),
        salts=partial(salts, settings),
        accepted=accepted_counts(settings),
        rollups=rollups(settings),
        seals=seals(settings),
        chain=Chain(objects(settings, "archive")),
        states=StatePlace(visitors_of_sites(settings)),
        places=(
            SpillPlace(Spill(objects(settings, "spill"))),
            LetterPlace(dead_letters(settings), "dead_letters"),
            LetterPlace(malformed(settings), "malformed_hits"),
            RawEventPlace(events(settings)),
            MinutePlace(minutes(settings)),
            *_columns(settings),
        ),
    )

    def fold_all(paths: Sequence[Path], sites: Mapping[str, Site], plan: Plan) -> None:
        fold_shares(settings.environ, paths, sites, plan, lambda _: None)

    def count_anew(site_id: str, days: set[date]) -> None:
        recount(work, fold or fold_all, site_id, days, os.cpu_count() or 1)

    recounting = Recounting(counting.paused, partial(_give_up, work), count_anew)
    return Erasure(stores, stream, recounting, on_step)


def _columns(settings: Settings) -> list[Place]:
    match settings:
        case EmbeddedSettings():
            return [ColumnsPlace(columns_writer(settings))]
        case AwsSettings():
            return []


def _give_up(work: Rebuild, site_id: str) -> None:
    if work.present(site_id).building is not None:
        work.abandon(site_id)
    work.clear()


def _consumer(settings: Settings) -> LiveConsumer:
    match settings:
        case EmbeddedSettings():
            return EmbeddedConsumer(settings)
        case AwsSettings():
            return LambdaConsumer(settings)
