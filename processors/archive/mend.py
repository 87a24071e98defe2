"""Lets the archive be read again without a small object that is gone, or broken, in its middle.

What takes its place has no records, and says which are lost. It keeps what was broken. Nobody does
it by himself: what is gone may be in a backup, and once its place is taken it cannot be put back.
"""

from aggregates.stores.heads import LostObjects
from processors.archive.chain import Chain, MissingObjectError, in_place
from processors.archive.container import BrokenArchiveError, BrokenObjectError, encode_lost, named
from processors.archive.keys import is_record_key, predecessor, record_key
from runtime.errors import ConflictError, UsageError


def mend(chain: Chain, shard: str) -> list[LostObjects]:
    """Put an object that says what is lost in each place where one is missing or broken.

    Args:
        chain: of the archive.
        shard: of which.

    Returns:
        What is lost, in order.

    Raises:
        UsageError: what is gone can only be put back: it is a compacted object or a manifest.
        RetryableError: a store did not answer; mending again is safe.
    """
    lost: list[LostObjects] = []
    while True:
        try:
            _read(chain, shard)
        except ConflictError:  # a compactor is at work
            continue
        except MissingObjectError as error:
            gone = LostObjects(error.after, predecessor(error.key), None, None)
            chain.objects.create(record_key(shard, error.after), encode_lost(shard, gone, None))
        except BrokenObjectError as error:
            gone = _replaced(chain, shard, error)
        except BrokenArchiveError as error:
            raise UsageError(f"{error}; without it nothing can be gone on with") from error
        else:
            return lost
        lost.append(gone)


def _read(chain: Chain, shard: str) -> None:
    """Read every small object behind the compacted ones."""
    manifest = chain.manifests.newest(shard)
    for one in manifest.objects:
        chain.compacted(manifest, one)
    for small in chain.standing(manifest, manifest.last):
        with named(small.key):
            for _ in in_place(small.content, small.after, small.last):
                pass


def _replaced(chain: Chain, shard: str, error: BrokenObjectError) -> LostObjects:
    after = predecessor(error.key)
    following = [key for key in chain.page(shard, after) if predecessor(key) > after]
    if not is_record_key(error.key) or not following:
        raise UsageError(
            f"{error}: it is the newest of its shard, which the archive's consumer mends by itself"
        ) from error
    gone = LostObjects(after, predecessor(following[0]), None, None)
    standing = encode_lost(shard, gone, chain.objects.read(error.key))
    chain.objects.delete([error.key])
    chain.objects.create(error.key, standing)
    return gone
