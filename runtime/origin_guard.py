"""Lets nobody past CloudFront, where no web ACL stands before the API.

The collector believes CloudFront-Viewer-*: whoever called it directly could pretend to be anybody.
CloudFront adds a secret to each request; a function knows digests of those that hold, because
whoever may look at a function's settings sees its variables.
"""

import hashlib
import hmac
import os

from runtime.gateway import Request, Response, problem_response
from runtime.problem import AnyProblem, Problem
from runtime.settings import Variable

HEADER = "x-liveinsight-origin"
"""infra/modules/edge/origin_guard.tf"""

FORBIDDEN = Problem(403, AnyProblem.FORBIDDEN, "This request is not allowed.")
"""What a web ACL would answer (infra/modules/api/responses.tf)."""


def refused(request: Request) -> Response | None:
    """Answer a request that did not come by CloudFront; None where it may come in."""
    digests = os.environ.get(Variable.ORIGIN_DIGESTS, "")
    if not digests:
        return None
    shown = hashlib.sha256(request.headers.get(HEADER, "").encode()).hexdigest()
    if any(hmac.compare_digest(shown, digest) for digest in digests.split(",")):
        return None
    return problem_response(FORBIDDEN, {"Access-Control-Allow-Origin": "*"})
