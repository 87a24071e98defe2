"""Where Terraform gets the AWS provider from: a filesystem mirror, or the network."""

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from infra.verify.errors import SkipError

VARIABLE = "LIVEINSIGHT_TERRAFORM_MIRROR"
REGISTRY = "registry.terraform.io"
PROVIDER = Path(REGISTRY) / "hashicorp" / "aws"
PLACES = ("/opt", "/usr/share/terraform", "/usr/local/share/terraform", "/usr/lib/terraform", "~")
DEPTH = 3
"""How many folders below a place a mirror is looked for."""

NETWORK_SECONDS = 3.0


def cli_config(environ: Mapping[str, str]) -> str:
    """Return the content of a Terraform CLI configuration that finds the provider.

    Raises:
        SkipError: there is neither a mirror nor a way to the registry.
    """
    mirror = find_mirror(environ)
    if mirror is not None:
        return (
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n'
        )
    if _registry_answers():
        return "disable_checkpoint = true\n"
    raise SkipError(
        f"no AWS provider: neither a mirror that holds {PROVIDER} (name one in {VARIABLE}), "
        f"nor a way to {REGISTRY}"
    )


def find_mirror(environ: Mapping[str, str], places: Sequence[str] = PLACES) -> Path | None:
    """Return the folder that holds the provider by its registry's name, or None.

    Raises:
        SkipError: the variable names a folder that does not hold it.
    """
    named = environ.get(VARIABLE, "")
    if named:
        if not (Path(named) / PROVIDER).is_dir():
            raise SkipError(f"{VARIABLE} is {named}, which does not hold {PROVIDER}")
        return Path(named)
    found = (folder for place in places for folder in _folders(Path(place).expanduser(), DEPTH))
    return next((folder for folder in found if (folder / PROVIDER).is_dir()), None)


def _folders(root: Path, depth: int) -> Iterator[Path]:
    """Yield a folder and those below it, nearest first; what cannot be read is passed over."""
    level = [root]
    for _ in range(depth + 1):
        yield from level
        level = [below for folder in level for below in _below(folder)]


def _below(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(one) for one in entries if one.is_dir(follow_symlinks=False))
    except OSError:
        return []


def _registry_answers() -> bool:
    try:
        socket.create_connection((REGISTRY, 443), NETWORK_SECONDS).close()
    except OSError:
        return False
    return True
