"""Refuses what clients and sites send beyond their rates, and says so."""

import logging
import math
import time

from ingest.endpoint import Answer
from liveinsight.engine.front import HttpRequest, answered
from liveinsight.engine.rates import Rates, client_of
from liveinsight.website import HttpResponse
from runtime.gateway import problem_response
from runtime.problem import AnyProblem, Problem

LOGGER = logging.getLogger(__name__)

TOLD_SECONDS = 60.0
OWN = frozenset({"127.0.0.1", "::1", ""})
"""Who sends from this machine, and is no proxy that names its client, may send what it wants."""


class Turnstile:
    """Lets requests through, as many as the rates allow.

    A client is charged for each request, and for each event that was taken of it; so one that is
    over its rate costs no more than the reading of its headers.
    """

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._refused, self._told = 0, -TOLD_SECONDS

    def client(self, request: HttpRequest) -> HttpResponse | None:
        """Charge a client for a request; return the refusal of one that is over its rate."""
        clients = self._rates.clients
        if clients is None or request.address in OWN:
            return None
        now = time.monotonic()
        wait = clients.admit(client_of(request.address), 1, now)
        if wait:
            return self._refusal("This address sends more than one may", wait, now)
        return None

    def site(self, request: HttpRequest, answer: Answer) -> HttpResponse | None:
        """Charge client and site for the events of a request that is about to be taken.

        Return the refusal where the site is over its rate.
        """
        events = answer.counts.get("events_accepted", 0)
        if answer.record is None or not events or request.address in OWN:
            return None
        now = time.monotonic()
        clients, sites = self._rates.clients, self._rates.sites
        if clients is not None:
            clients.charge(client_of(request.address), events, now)
        if sites is not None:
            site_id = answer.record.partition_key.rpartition("/")[0]
            wait = sites.admit(site_id, events, now)
            if wait:
                return self._refusal("The site is sent more than one may", wait, now)
        return None

    def _refusal(self, why: str, wait: float, now: float) -> HttpResponse:
        self._refused += 1
        if now - self._told >= TOLD_SECONDS:
            LOGGER.warning(
                "%s requests over the rates were refused; told once in %s s",
                self._refused,
                int(TOLD_SECONDS),
            )
            self._refused, self._told = 0, now
        seconds = str(math.ceil(wait))
        problem = Problem(
            429,
            AnyProblem.TOO_MANY_REQUESTS,
            f"{why}: send it again in {seconds} seconds.",
            {"Retry-After": seconds},
        )
        # Any page may read it: else a browser says no more than that something failed.
        readable = {
            "Vary": "Origin",
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Expose-Headers": "Retry-After",
        }
        return answered(problem_response(problem, readable))
