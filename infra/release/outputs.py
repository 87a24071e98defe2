"""What `terraform output` of an environment says: the names that a release needs."""

import json
import subprocess
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from infra.release.shift import Function
from runtime.errors import UsageError
from runtime.settings import AwsName, Variable

ENVIRONMENTS = Path(__file__).parents[1] / "environments"


class _FunctionOutput(BaseModel):
    name: str
    alias: str
    deployment_group: str


class _ReleaseOutput(BaseModel):
    """The output `release` of infra/modules/release."""

    application: str
    functions: dict[str, _FunctionOutput]


class Outputs(BaseModel):
    """The outputs of an environment that a release uses. Others are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    release: _ReleaseOutput
    url: str
    static_bucket: str
    distribution_id: str
    region: str
    tables: dict[str, str]
    """By what they hold."""
    stream_name: str
    dead_letters_bucket: str

    def functions(self) -> list[Function]:
        """Return the functions that can be released."""
        return [
            Function(role, one.name, one.alias, one.deployment_group)
            for role, one in sorted(self.release.functions.items())
        ]

    def variables(self) -> dict[str, str]:
        """Return the environment in which `liveinsight site` and others work on this deployment."""
        return {
            "AWS_DEFAULT_REGION": self.region,
            AwsName.DEAD_LETTERS_BUCKET: self.dead_letters_bucket,
            Variable.ENGINE: "aws",
            AwsName.SITES_TABLE: self.tables["sites"],
            AwsName.STREAM_NAME: self.stream_name,
        }


def folder(environment: str) -> Path:
    """Return where an environment is.

    Raises:
        UsageError: there is no such environment.
    """
    found = ENVIRONMENTS / environment
    if not (found / "main.tf").is_file():
        known = ", ".join(sorted(path.parent.name for path in ENVIRONMENTS.glob("*/main.tf")))
        raise UsageError(f"there is no environment {environment!r}; there are: {known}")
    return found


def read(environment: str) -> Outputs:
    """Ask Terraform for the outputs of an environment.

    Raises:
        UsageError: there is no such environment, or it is not applied.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the folder is one of ours
            ["terraform", f"-chdir={folder(environment)}", "output", "-json"],  # noqa: S607 - on the PATH
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise UsageError("terraform is not on the PATH") from error
    if done.returncode:
        raise UsageError(f"terraform output of {environment} failed: {done.stderr.strip()}")
    return parse(done.stdout, environment)


def parse(content: str, environment: str) -> Outputs:
    """Read what `terraform output -json` printed.

    Raises:
        UsageError: something is missing.
    """
    try:
        values = {name: output["value"] for name, output in json.loads(content).items()}
        return Outputs.model_validate(values)
    except ValidationError as error:
        missing = sorted({str(one["loc"][0]) for one in error.errors()})
        raise UsageError(
            f"the environment {environment} lacks the outputs {', '.join(missing)}: apply it first"
        ) from error
