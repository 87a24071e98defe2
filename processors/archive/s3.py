"""The raw archive in S3: the same objects, byte for byte, as in the folder of the file adapter."""

from processors.archive.store import ObjectArchiveStore
from runtime.aws import THREADS
from runtime.objects.s3 import Bucket


class S3ArchiveStore(ObjectArchiveStore):
    """An ArchiveStore in a bucket."""

    def __init__(self, bucket: Bucket) -> None:
        super().__init__(bucket, THREADS)
