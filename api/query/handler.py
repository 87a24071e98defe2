"""The query API Lambda: GET /api/query."""

from api.handler import read_api
from api.query import bootstrap

handler = read_api("query-api", bootstrap.endpoint)
