"""What the tables alone remember of losses."""

from datetime import date

from aggregates.stores.heads import HeadStore, lost_text
from api.reconciliation.evidence import Break, Evidence
from runtime.sites.site import Site

HEADS = "archive heads"


class RememberedLosses:
    """Witnesses that read one table: which files of the archive were found to be gone.

    What waits in the stream and in the spill they do not see.
    """

    def __init__(self, heads: HeadStore) -> None:
        self._heads = heads

    def of(self, site: Site, first: date, last: date) -> Evidence:  # noqa: ARG002 - of the port
        """Return what was found to be gone, of whatever site and day."""
        broken = tuple(
            Break(lost_text(lost), f"archive, {shard}")
            for shard, head in self._heads.heads().items()
            for lost in head.lost
        )
        return Evidence(witnesses=(HEADS,), broken=broken)
