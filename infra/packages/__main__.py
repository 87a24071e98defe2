"""`python -m infra.packages`: build the zips of the Lambda functions."""

import argparse
import sys
from pathlib import Path

from infra.packages.build import ROOT, build
from infra.packages.bytecode import runtime_python
from infra.packages.errors import PackagingError
from infra.packages.functions import FUNCTIONS, PLATFORMS, PYTHON, named

MEGABYTE = 1e6


def main() -> int:
    """Build what the arguments ask for; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.packages", description=__doc__)
    parser.add_argument(
        "--architecture", action="append", choices=PLATFORMS, help="repeatable; default: all"
    )
    parser.add_argument(
        "--function", action="append", type=named, help="its name; repeatable; default: all"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "dist" / "lambda")
    arguments = parser.parse_args()
    functions = arguments.function or FUNCTIONS
    try:
        python = runtime_python()
        for architecture in arguments.architecture or PLATFORMS:
            for package in build(functions, architecture, arguments.output, python):
                _say(f"{package.size_bytes / MEGABYTE:6.2f} MB  {package.path}")
    except PackagingError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    _say(f"for the runtime python{PYTHON}, with bytecode by {python}")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
