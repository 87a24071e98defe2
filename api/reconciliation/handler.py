"""The reconciliation API Lambda: GET /api/reconciliation."""

from api.handler import read_api
from api.reconciliation import bootstrap

handler = read_api("reconciliation-api", bootstrap.endpoint)
