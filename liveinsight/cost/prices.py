"""List prices of AWS in us-east-1 (N. Virginia), in US dollars, before any free tier.

Read in November 2026. `seen` says whether the figure was found on a page that could be read then;
the others are list prices as they were known, to be checked on the page before anybody relies on
them. Other regions cost up to about a third more.
"""

from dataclasses import dataclass

AS_OF = "November 2026"
MILLION = 1e6
HOURS = 730.0
"""Hours of a month."""


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit costs.

    Attributes:
        dollars: for one unit.
        page: where AWS says so.
        seen: whether the figure was found in a document in November 2026.
    """

    dollars: float
    page: str
    seen: bool = False


_API = "https://aws.amazon.com/api-gateway/pricing/"
_CLOUDFRONT = "https://aws.amazon.com/cloudfront/pricing/"
_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"
_DYNAMODB = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
_KINESIS = "https://aws.amazon.com/kinesis/data-streams/pricing/"
_KMS = "https://aws.amazon.com/kms/pricing/"
_LAMBDA = "https://aws.amazon.com/lambda/pricing/"
_S3 = "https://aws.amazon.com/s3/pricing/"
_WAF = "https://aws.amazon.com/waf/pricing/"
_XRAY = "https://aws.amazon.com/xray/pricing/"

API_REQUEST = Price(3.50 / MILLION, _API, seen=True)
"""Of a REST API, up to 333 million a month."""
HTTP_API_REQUEST = Price(1.00 / MILLION, _API, seen=True)
"""Of an HTTP API, up to 300 million a month."""
API_CACHE_HOUR = Price(0.020, _API, seen=True)
"""Of 0.5 GB."""
CLOUDFRONT_REQUEST = Price(0.01 / 10_000, _CLOUDFRONT)
"""HTTPS, United States. (Europe: 0.012.)"""
CLOUDFRONT_GB = Price(0.085, _CLOUDFRONT)
ALARM = Price(0.10, _CLOUDWATCH)
"""A month, of standard resolution, for each metric that it watches."""
COMPOSITE_ALARM = Price(0.50, _CLOUDWATCH)
METRIC = Price(0.30, _CLOUDWATCH)
"""A month, custom; the first 10,000."""
DASHBOARD = Price(3.00, _CLOUDWATCH)
LOG_GB = Price(0.50, _CLOUDWATCH)
"""Taken in; the first 10 TB of delivered logs of other services cost the same."""
DYNAMODB_WRITE = Price(0.625 / MILLION, _DYNAMODB, seen=True)
DYNAMODB_READ = Price(0.125 / MILLION, _DYNAMODB, seen=True)
KINESIS_STREAM_HOUR = Price(0.04, _KINESIS)
KINESIS_GB_IN = Price(0.08, _KINESIS)
KINESIS_GB_OUT = Price(0.04, _KINESIS)
KINESIS_GB_MONTH_KEPT = Price(0.10, _KINESIS)
"""From the second to the seventh day, on demand."""
KINESIS_SHARD_HOUR = Price(0.015, _KINESIS)
KINESIS_SHARD_HOUR_KEPT = Price(0.02, _KINESIS)
"""On top, for keeping records up to seven days."""
KINESIS_PUT_UNIT = Price(0.014 / MILLION, _KINESIS)
KMS_KEY = Price(1.00, _KMS)
"""A month."""
LAMBDA_REQUEST = Price(0.20 / MILLION, _LAMBDA, seen=True)
LAMBDA_GB_SECOND = Price(0.0000133334, _LAMBDA, seen=True)
"""arm64."""
S3_PUT = Price(0.005 / 1000, _S3)
S3_GET = Price(0.0004 / 1000, _S3)
S3_GB_MONTH = Price(0.023, _S3)
WAF_ACL = Price(5.00, _WAF, seen=True)
WAF_RULE = Price(1.00, _WAF, seen=True)
"""A month; a managed group of AWS's counts as one."""
WAF_REQUEST = Price(0.60 / MILLION, _WAF, seen=True)
XRAY_TRACE = Price(5.00 / MILLION, _XRAY)
