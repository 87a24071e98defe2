"""The rebuild API Lambda: GET and POST /api/rebuild."""

from api.handler import read_api
from api.rebuild import bootstrap

handler = read_api("rebuild-api", bootstrap.endpoint)
