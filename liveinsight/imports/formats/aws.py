"""Logs of Amazon's load balancers (ALB) and of S3.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
"""

import re

from liveinsight.imports.access_log import MAX_LINE_LENGTH, LogLine, Malformed
from liveinsight.imports.formats.fields import (
    CLF_TIME,
    QUOTED,
    client_address,
    field,
    host_of,
    parse_request,
    parse_time,
    unescape,
)

ALB = re.compile(
    rf"(?P<type>https?|h2|grpcs?|wss?)\ (?P<time>\S{{20,40}})\ \S++\ (?P<client>\S++)\ \S++"
    rf"(?:\ -?\d++(?:\.\d++)?){{3}}\ (?P<status>\d{{3}}|-)\ (?:\d{{3}}|-)\ \d++\ \d++"
    rf'\ "(?P<request>{QUOTED})"\ "(?P<agent>{QUOTED})"(?P<rest>.*+)',
    re.ASCII | re.VERBOSE | re.DOTALL,
)
DOMAIN = re.compile(rf'\ \S++\ \S++\ \S++\ "{QUOTED}"\ "(?P<host>{QUOTED})"')
"""Behind the agent: cipher, protocol, target group, trace, and the domain of TLS."""
S3 = re.compile(
    rf"\S++\ (?P<host>\S++)\ \[(?P<time>{CLF_TIME})\]\ (?P<client>\S++)\ \S++\ \S++"
    rf"\ (?P<operation>\S++)\ \S++\ (?:\"(?P<request>{QUOTED})\"|-)\ (?P<status>\d{{3}}|-)"
    rf'\ \S++\ \S++\ \S++\ \S++\ \S++\ (?:"(?P<referrer>{QUOTED})"|-)'
    rf'\ (?:"(?P<agent>{QUOTED})"|-)(?:\ .*+)?',
    re.ASCII | re.VERBOSE | re.DOTALL,
)


class AlbFormat:
    """Reads the access log of an application load balancer. It names no referrer."""

    name = "alb"

    @property
    def roles(self) -> dict[str, str]:
        """Say where it finds what."""
        return {
            "client": "client:port",
            "host": "domain_name, or the request",
            "time": "time",
            "request": "request",
            "status": "elb_status_code",
            "agent": "user_agent",
        }

    def parse(self, line: str) -> LogLine | Malformed | None:
        """Read one line."""
        if len(line) > MAX_LINE_LENGTH:
            return Malformed("length")
        found = ALB.fullmatch(line)
        if found is None:
            return Malformed("line")
        domain = DOMAIN.match(found["rest"])
        host = host_of(domain["host"]) if domain else ""
        return _read(found, found["status"], "", found["agent"], host)


class S3Format:
    """Reads the access log of a bucket that is a website."""

    name = "s3"

    @property
    def roles(self) -> dict[str, str]:
        """Say where it finds what."""
        return {
            "client": "Remote IP",
            "time": "Time",
            "request": "Request-URI",
            "status": "HTTP status",
            "referrer": "Referer",
            "agent": "User-Agent",
        }

    def parse(self, line: str) -> LogLine | Malformed | None:
        """Read one line."""
        if len(line) > MAX_LINE_LENGTH:
            return Malformed("length")
        found = S3.fullmatch(line)
        if found is None or found["request"] is None:
            return Malformed("line")
        return _read(found, found["status"], found["referrer"] or "", found["agent"] or "", "")


def _read(
    found: re.Match[str], status: str, referrer: str, agent: str, host: str
) -> LogLine | Malformed:
    at = parse_time(found["time"])
    if at is None:
        return Malformed("time")
    asked = parse_request(unescape(found["request"]))
    if asked is None:
        return Malformed("request")
    address = client_address(found["client"])
    if not address:
        return Malformed("client")
    return LogLine(
        address=address,
        at=at,
        method=asked.method,
        target=asked.target,
        status=int(status) if status != "-" else 0,
        referrer=field(referrer),
        user_agent=field(agent),
        host=host or asked.host,
    )
