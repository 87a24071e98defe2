"""What happens to a deployment between two runs of Terraform, and must not be undone."""

from collections.abc import Mapping

import boto3

NEXT_KEY = '{"current": "second", "keys": {"first": "00", "second": "11"}}'


def operate(environ: Mapping[str, str], environment: str) -> None:
    """Shift a part of the collector's traffic, as a release does, and rotate the keys for tokens.

    Args:
        environ: names the emulator, and the credentials for it.
        environment: the deployment's name.
    """
    session = boto3.Session(
        aws_access_key_id=environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
        region_name=environ["AWS_REGION"],
    )
    endpoint = environ["AWS_ENDPOINT_URL"]
    session.client("lambda", endpoint_url=endpoint).update_alias(
        FunctionName=f"liveinsight-event-collector-{environment}",
        Name="live",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}},
    )
    session.client("ssm", endpoint_url=endpoint).put_parameter(
        Name=f"/liveinsight/{environment}/token-keys",
        Value=NEXT_KEY,
        Type="SecureString",
        Overwrite=True,
    )
