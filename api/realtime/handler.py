"""The realtime API Lambda: GET /api/realtime."""

from api.handler import read_api
from api.realtime import bootstrap

handler = read_api("realtime-api", bootstrap.endpoint)
