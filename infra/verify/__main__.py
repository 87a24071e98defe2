"""`python -m infra.verify`: run the checks, renew the READMEs, or show that faults are caught."""

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from infra.verify.checks import CHECKS
from infra.verify.end_to_end import prove_end_to_end
from infra.verify.errors import CheckError, SkipError
from infra.verify.faults import prove
from infra.verify.readme import renew
from infra.verify.workspace import INFRA, Workspace, make_workspace

OK, FAILED, SKIPPED = 0, 1, 77
"""77 is what automake takes for a test that was skipped."""


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.verify", description=__doc__)
    names = [check.name for check in CHECKS]
    parser.add_argument("--only", choices=names, action="append", help="run this check; repeatable")
    parser.add_argument("--readmes", action="store_true", help="renew the modules' tables")
    parser.add_argument("--faults", action="store_true", help="break it, and see what catches it")
    parser.add_argument(
        "--end-to-end", action="store_true", help="send events through the functions, on ministack"
    )
    given = parser.parse_args(arguments)
    if given.readmes:
        for path in renew(INFRA):
            _say(f"renewed {path.relative_to(INFRA.parent)}")
        return OK
    # Told to stop, it still removes its copy and its server.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(FAILED))
    with tempfile.TemporaryDirectory(prefix="liveinsight-infra-") as folder:
        try:
            workspace = make_workspace(Path(folder), os.environ)
            if given.end_to_end:
                return prove_end_to_end(workspace, _say)
            return prove(workspace, _say) if given.faults else _run(workspace, given.only or names)
        except SkipError as missing:
            return _skipped(str(missing))


def _run(workspace: Workspace, names: list[str]) -> int:
    """Run checks up to the first that fails."""
    begun, failed = time.monotonic(), None
    for check in (one for one in CHECKS if one.name in names):
        started = time.monotonic()
        try:
            done = check.run(workspace)
        except CheckError as fault:
            failed = f"{check.name}: {fault}"
            _say(fault.output)
            break
        _say(f"  {check.name:<9} {time.monotonic() - started:5.1f} s  {done}")
    seconds = time.monotonic() - begun
    if failed:
        _say(f"infra: FAILED after {seconds:.0f} s at {failed}")
        return FAILED
    _say(f"infra: all {len(names)} checks passed in {seconds:.0f} s")
    return OK


def _skipped(reason: str) -> int:
    _say(f"infra: SKIPPED: {reason}")
    if os.environ.get("CI"):
        _say("infra: under CI a skip is a failure")
        return FAILED
    return SKIPPED


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command's output


if __name__ == "__main__":
    sys.exit(main())
