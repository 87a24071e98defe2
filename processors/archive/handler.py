"""The archive consumer Lambda."""

from processors.archive import bootstrap
from processors.handler import consumer

handler = consumer("archive", bootstrap.processor)
