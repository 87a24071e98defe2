"""The keys for CSRF tokens in a SecureString parameter, as the same JSON as in the key file."""

from typing import TYPE_CHECKING

from ingest.tokens.keys import parse
from ingest.tokens.token import TokenKeys
from runtime.aws import translated

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient


def load(client: "SSMClient", parameter: str) -> TokenKeys:
    """Read the keys.

    Raises:
        UsageError: the parameter cannot be used.
        RetryableError: it could not be read; perhaps it does not exist.
    """
    with translated(f"reading the parameter {parameter}"):
        answer = client.get_parameter(Name=parameter, WithDecryption=True)
    return parse(answer["Parameter"].get("Value", ""), f"the parameter {parameter}")
