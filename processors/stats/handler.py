"""The stats consumer Lambda."""

from processors.handler import consumer
from processors.stats import bootstrap

handler = consumer("stats", bootstrap.processor)
