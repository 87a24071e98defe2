"""The stats API Lambda: GET /api/stats."""

from api.handler import read_api
from api.stats import bootstrap

handler = read_api("stats-api", bootstrap.endpoint)
