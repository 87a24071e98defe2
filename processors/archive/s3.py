"""The raw archive in S3: the same objects, byte for byte, as in the folder of the file adapter."""

from liveinsight.runtime.aws import THREADS
from liveinsight.runtime.s3 import Bucket
from processors.archive.store import ObjectArchiveStore


class S3ArchiveStore(ObjectArchiveStore):
    """An ArchiveStore in a bucket."""

    def __init__(self, bucket: Bucket) -> None:
        super().__init__(bucket, THREADS)
