"""The realtime API Lambda: GET /api/realtime, /api/live/events and /api/live/visit."""

from api.handler import read_api
from api.realtime import bootstrap

handler = read_api("realtime-api", bootstrap.endpoint)
