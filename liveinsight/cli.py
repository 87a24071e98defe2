"""The `liveinsight` command. Each subcommand has `--help`; docs/cli.md lists them."""

import io
import os
import sys
from contextlib import suppress

import click

from liveinsight.commands.archive import archive
from liveinsight.commands.backups import backup, restore
from liveinsight.commands.dead_letters import dead_letters
from liveinsight.commands.exports import export
from liveinsight.commands.imports import import_
from liveinsight.commands.reports import realtime, reconcile_days, stats
from liveinsight.commands.serve import demo, up
from liveinsight.commands.sites import site
from liveinsight.commands.smoke import smoke
from liveinsight.commands.traffic import simulate_traffic
from runtime.errors import FAILURE_EXIT, USAGE_EXIT, LiveInsightError, UsageError, system_error
from runtime.problem import ProblemError

COMMANDS = (
    *(up, demo, site, stats, realtime, reconcile_days),
    *(import_, export, backup, restore, simulate_traffic, dead_letters, archive, smoke),
)


class _Utf8Group(click.Group):
    """Refuses arguments that are no text: no store, header or JSON can take one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Look at all arguments, those of the subcommands too."""
        for argument in args:
            try:
                argument.encode()
            except UnicodeEncodeError:
                ctx.fail(f"{argument!a} is not UTF-8: write it as text")
        return super().parse_args(ctx, args)


@click.group(
    cls=_Utf8Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="liveinsight")
def cli() -> None:
    """Real-time web analytics with exact counts."""


for command in COMMANDS:
    cli.add_command(command)


def main() -> None:
    """Run the command; what the caller can mend ends in one line and exit code 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal of another encoding still gets a line
    try:
        code = cli.main(standalone_mode=False)
        click.echo(nl=False)  # takes what is not written yet to its end
    except click.exceptions.Abort:
        sys.exit(130)
    except BrokenPipeError:
        _drop_output()
        sys.exit(FAILURE_EXIT)
    except OSError as error:
        _drop_output()
        _fail(system_error(error), FAILURE_EXIT)
    except (click.ClickException, ProblemError, LiveInsightError) as error:
        _fail(_message(error), USAGE_EXIT if _is_of_usage(error) else FAILURE_EXIT)
    sys.exit(code if isinstance(code, int) else 0)


def _message(error: Exception) -> str:
    match error:
        case click.ClickException():
            return error.format_message()
        case ProblemError():
            return error.problem.detail
        case _:
            return str(error)


def _is_of_usage(error: Exception) -> bool:
    return isinstance(error, UsageError) or not isinstance(error, LiveInsightError)


def _fail(message: str, code: int) -> None:
    click.echo(f"liveinsight: {' '.join(message.split())}", err=True)
    sys.exit(code)


def _drop_output() -> None:
    """Let go of what standard output has not taken: at its end Python would try again, aloud."""
    with suppress(AttributeError, OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())


if __name__ == "__main__":
    main()
