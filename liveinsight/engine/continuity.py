"""Whether the consumers can go on from where they are: that the stream has what they have not done.

In a data folder that was restored, say.
"""

from aggregates.stores.sqlite import tables
from liveinsight.engine.consumer import MAPPINGS, open_log
from liveinsight.engine.positions import Positions
from runtime.settings import EmbeddedSettings


def broken_off(settings: EmbeddedSettings) -> str:
    """Say where a consumer could not go on without a loss; empty: nowhere.

    A position that is ahead of its shard would swallow what comes next; records that are missing
    behind it were never counted.
    """
    log, positions = open_log(settings), Positions(tables(settings.tables_path))
    for shard, end in log.ends().items():
        for mapping in MAPPINGS:
            done = positions.get(mapping.consumer, shard)
            if done > end:
                return f"{mapping.consumer} has done {done:,} of shard {shard}, which has {end:,}"
            if done < end:
                following = log.read(shard, after=done, limit=1)
                if not following or following[0].sequence_number != done + 1:
                    return (
                        f"{mapping.consumer} has done {done:,} of shard {shard}, but not the next"
                    )
    return ""
