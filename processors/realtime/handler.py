"""The realtime consumer Lambda."""

from processors.handler import consumer
from processors.realtime import bootstrap

handler = consumer("realtime", bootstrap.processor)
