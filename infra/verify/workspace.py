"""A copy of `infra/` that Terraform may write into, and Terraform in it."""

import os
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.packages.functions import PACKAGE
from infra.verify.errors import CheckError, SkipError
from infra.verify.mirror import cli_config

INFRA = Path(__file__).parents[1]
IGNORED = shutil.ignore_patterns(".terraform*", "*.tfstate*", "__pycache__", "*.pyc")
TIMEOUT_SECONDS = 1200.0

SETTINGS = {
    "TF_IN_AUTOMATION": "1",
    "TF_INPUT": "0",
    "CHECKPOINT_DISABLE": "1",
    # Terraform and the provider collect garbage less often: a third less CPU, 40 MB more each.
    "GOGC": "400",
    **{
        f"TF_CLI_ARGS_{command}": "-no-color"
        for command in ("init", "validate", "test", "plan", "apply", "destroy")
    },
}


@dataclass(frozen=True, slots=True)
class Workspace:
    """A copy of `infra/`, with the settings that Terraform runs with.

    Args:
        root: the copy.
        environ: of Terraform's processes.
        share: of the modules' tests one in so many is run, each day others.
    """

    root: Path
    environ: Mapping[str, str] = field(repr=False)
    share: int = 1

    @property
    def modules(self) -> list[Path]:
        """Every module, by name."""
        return sorted(path.parent for path in self.root.glob("modules/*/versions.tf"))

    @property
    def environments(self) -> list[Path]:
        """Every deployment, by name."""
        return sorted(path.parent for path in self.root.glob("environments/*/versions.tf"))

    @property
    def packages(self) -> Path:
        """Small zips that stand in for the functions' package."""
        return self.root.parent / "packages"

    def terraform(self, folder: Path, *arguments: str, accept: tuple[int, ...] = (0,)) -> str:
        """Run Terraform in a folder, and return what it printed.

        Raises:
            CheckError: it ended with a code that is not in `accept`.
        """
        done = subprocess.run(  # noqa: S603 - our own arguments
            ["terraform", *arguments],  # noqa: S607 - whichever the user has
            cwd=folder,
            env=dict(self.environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        if done.returncode not in accept:
            where = folder.relative_to(self.root)
            raise CheckError(f"terraform {arguments[0]} in infra/{where}", done.stdout)
        return done.stdout

    def with_environ(self, **more: str) -> "Workspace":
        """Return the same workspace with more in the environment."""
        return Workspace(self.root, {**self.environ, **more}, self.share)


def make_workspace(folder: Path, environ: Mapping[str, str]) -> Workspace:
    """Copy `infra/` into a folder, and write the settings beside it.

    Raises:
        SkipError: Terraform or the provider is missing.
    """
    if shutil.which("terraform", path=environ.get("PATH", os.defpath)) is None:
        raise SkipError("no terraform on the PATH: install 1.11 or newer")
    config = folder / "terraform.rc"
    config.write_text(cli_config(environ))
    root = folder / "infra"
    shutil.copytree(INFRA, root, ignore=IGNORED, symlinks=True)
    workspace = Workspace(root, {**environ, **SETTINGS, "TF_CLI_CONFIG_FILE": str(config)})
    for architecture in ("arm64", "x86_64"):
        _write_stand_in(workspace.packages / architecture)
    return workspace


def _write_stand_in(folder: Path) -> None:
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / PACKAGE, "w") as package:
        package.writestr("stand_in.py", "")
